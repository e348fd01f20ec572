package rocknest.golden;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/** SQL92 expressions of all kinds, right and wrong ones; the same at each run. */
final class Sql92Expressions {
    static final String[] NAMES = {"a", "b", "c", "region", "TAGS", "_x1", "$y", "Price"};

    private static final String[] INTEGERS = {"0", "1", "5", "-5", "+5", "10", "007", "42L", "42l", "2147483647", "2147483648", "-2147483648",
        "-2147483649", "9007199254740993", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "1700000000000"};
    private static final String[] FLOATS = {"0.5", "5.0", "5.", ".5", "5e0", "1E3", "1e-3", "2.5e+1", "0.0", "1e400", "1e-400", "4.9E-324",
        "1.7976931348623157E308", "9007199254740993.0", "00.5", "-2.5", "5.5L"};
    private static final String[] TEXTS = {"''", "'x'", "'abc'", "'5'", "'true'", "'TRUE'", "'it''s'", "'\u00e4\u6f22\ud83d\ude00'", "' '", "'5.0'",
        "'a\nb'", "'ab'", "'bc'", "'--'", "'\ufffd'"};
    private static final String[] COMPARISONS = {"=", "<>", "<", "<=", ">", ">="};
    private static final String[] SEARCHES = {"CONTAINS", "STARTSWITH", "ENDSWITH"};
    private static final String[] PIECES = {"(", ")", "AND", "OR", "NOT", "=", "<", ">", "<>", "IN", "BETWEEN", "IS", "NULL", ",", "'", "''", "a",
        "5", "'x'", "TRUE", "+", "-", ".", "!", "!=", "==", "*", "/", "%", "#", "\"", "--", "/*", "*/", "\u212a", "\u017f", "\u00a0", "\u000b", ";"};

    private final Random random = new Random(92);

    static Set<String> make() {
        Set<String> all = new LinkedHashSet<>(List.of(BY_HAND));
        Sql92Expressions expressions = new Sql92Expressions();
        while (all.size() < 2_000) {
            all.add(expressions.condition(0));
        }
        while (all.size() < 2_600) {
            all.add(expressions.loose(0));
        }
        while (all.size() < 3_200) {
            all.add(expressions.damaged(expressions.condition(1)));
        }
        return all;
    }

    private String pick(String[] values) {
        return values[random.nextInt(values.length)];
    }

    private String blank() {
        switch (random.nextInt(24)) {
            case 0: return "  ";
            case 1: return "\t";
            case 2: return "\n";
            case 3: return " -- to the end of the line\n";
            case 4: return " /* in * between */ ";
            case 5: return "\r\n\f ";
            default: return " ";
        }
    }

    private String word(String word) {
        switch (random.nextInt(4)) {
            case 0: return word.toLowerCase();
            case 1: return word.charAt(0) + word.substring(1).toLowerCase();
            default: return word;
        }
    }

    private String number() {
        return random.nextInt(3) > 0 ? pick(INTEGERS) : pick(FLOATS);
    }

    /** An expression as a user would write it, mostly accepted. */
    private String condition(int depth) {
        int kind = random.nextInt(depth > 3 ? 9 : 14);
        String name = pick(NAMES);
        switch (kind) {
            case 0: return name + blank() + "=" + blank() + pick(TEXTS);
            case 1: return name + blank() + pick(COMPARISONS) + blank() + number();
            case 2: return number() + pick(COMPARISONS) + name;
            case 3: return name + blank() + not() + word("BETWEEN") + blank() + number() + blank() + word("AND") + blank() + number();
            case 4: return name + blank() + not() + word("IN") + blank() + "(" + list() + ")";
            case 5: return name + blank() + word("IS") + blank() + not() + word("NULL");
            case 6: return name + blank() + not() + word(pick(SEARCHES)) + blank() + pick(TEXTS);
            case 7: return name + blank() + pick(COMPARISONS) + blank() + pick(NAMES);
            case 8: return name + blank() + pick(new String[] {"=", "<>"}) + blank() + word(pick(new String[] {"TRUE", "FALSE"}));
            case 9: return word("NOT") + blank() + "(" + condition(depth + 1) + ")";
            case 10: return "(" + condition(depth + 1) + ")";
            case 11:
            case 12: return condition(depth + 1) + blank() + word("AND") + blank() + condition(depth + 1);
            default: return condition(depth + 1) + blank() + word("OR") + blank() + condition(depth + 1);
        }
    }

    private String not() {
        return random.nextInt(3) == 0 ? word("NOT") + blank() : "";
    }

    private String list() {
        List<String> items = new ArrayList<>();
        int count = 1 + random.nextInt(8);
        for (int i = 0; i < count; i++) {
            items.add(pick(TEXTS));
        }
        return String.join(blank() + ",", items);
    }

    /** Any operand with any operator: what nobody writes, and what the checks of types are there for. */
    private String loose(int depth) {
        if (depth > 3) {
            return operand();
        }
        switch (random.nextInt(12)) {
            case 0:
            case 1: return operand();
            case 2: return pick(new String[] {"-", "+", "NOT "}) + loose(depth + 1);
            case 3: return "(" + loose(depth + 1) + ")";
            case 4: return loose(depth + 1) + " " + pick(SEARCHES) + " " + pick(TEXTS);
            case 5: return loose(depth + 1) + " IS " + not() + "NULL";
            case 6: return loose(depth + 1) + " " + not() + "BETWEEN " + loose(depth + 2) + " AND " + loose(depth + 2);
            case 7: return loose(depth + 1) + " " + not() + "IN (" + list() + ")";
            case 8: return loose(depth + 1) + pick(new String[] {" AND ", " OR "}) + loose(depth + 1);
            default: return loose(depth + 1) + " " + pick(COMPARISONS) + " " + loose(depth + 1);
        }
    }

    private String operand() {
        switch (random.nextInt(5)) {
            case 0: return number();
            case 1: return pick(TEXTS);
            case 2: return pick(new String[] {"TRUE", "FALSE", "NULL"});
            default: return pick(NAMES);
        }
    }

    private String damaged(String expression) {
        int at = random.nextInt(expression.length() + 1);
        switch (random.nextInt(4)) {
            case 0: return expression.substring(0, at);
            case 1: return expression.substring(0, at) + " " + pick(PIECES) + " " + expression.substring(at);
            case 2: return expression.substring(0, at) + pick(PIECES) + expression.substring(at);
            default: return expression.substring(0, at) + expression.substring(Math.min(expression.length(), at + 1 + random.nextInt(4)));
        }
    }

    private static final String[] BY_HAND = {
        "", " ", "a", "TRUE", "FALSE", "NULL", "5", "'x'", "-a", "NOT a", "not NULL", "a AND TRUE", "a OR TRUE", "a IS NULL", "a IS NOT NULL",
        "5 IS NULL", "'x' IS NOT NULL", "NULL IS NULL", "TRUE IS NULL", "-a IS NULL", "-'x' IS NULL", "(a = 1) IS NULL", "(a > 1) IS NULL",
        "a IS NULL IS NULL", "a = b = c", "a = TRUE = TRUE", "(a = 1) = TRUE", "TRUE = (a = 1)", "(a = 1) = b", "b = (a = 1)", "'true' = (a = 1)",
        "(a = 1) = 'true'", "(a = 1) = (b = 1)", "TRUE = a", "a = TRUE", "TRUE = TRUE", "TRUE = FALSE", "TRUE <> FALSE", "TRUE = 1", "1 = TRUE",
        "'a' = TRUE", "TRUE = 'a'", "a = NULL", "NULL = a", "a <> NULL", "1 = 1", "1 = 2", "1 = 1.0", "1 = 1L", "2147483648 = 2147483648.0",
        "9007199254740993 = 9007199254740992.0", "9007199254740993 > 9007199254740992.0", "1 = '1'", "'1' = 1", "'x' = 1", "1 = 'x'", "'a' = 'a'",
        "'a' = 'b'", "'a' < 'b'", "a < 'b'", "'b' > a", "a > TRUE", "a > NULL", "a > (b = 1)", "(b = 1) > a", "a > -(b > 5)", "a > -b", "-a > 1",
        "-a = -b", "-5 = a", "- - 5 = a", "-(5) = a", "+5 = a", "++5 = a", "+ +a = '5'", "-+-5 = a", "+(a = 1)", "+a", "+", "-", "NOT", "NOT NOT a = 1",
        "NOT (NOT a)", "a = 1 AND", "AND a = 1", "a = 1 b = 2", "a = 1 )", "a = 1 ) #", "a = 1 #", "a = 1 NOT b", "a = 1 IS b", "a = 1 ,", "a = 1 'x'",
        "a = 1 'x", "a = 1 ) 'x", "(a = 1", "((a = 1))", "( )", "a IN ()", "a IN ('x')", "a IN ('x',)", "a IN ('x' 'y')", "a IN (1)", "a IN (b)",
        "a IN 'x'", "(a) IN ('x')", "5 IN ('5')", "'x' IN ('x')", "-a IN ('x')", "(a = 1) IN ('x')", "a NOT IN ('x')", "NOT a IN ('x')",
        "NOT a = 1", "NOT a > 1", "a IN ('1','2','3','4','5','6')", "a NOT IN ('1','2','3','4','5','6')", "a IN ('5','5','5','5','5')",
        "a BETWEEN 1 AND 5", "a BETWEEN 5 AND 1", "a NOT BETWEEN 5 AND 1", "a BETWEEN 5 AND 5", "a BETWEEN 1 AND 5.5", "a BETWEEN 5.5 AND 1",
        "a BETWEEN -5 AND 5", "a BETWEEN 5 AND -5", "a BETWEEN b AND c", "a BETWEEN 'a' AND 'b'", "a BETWEEN 'b' AND 'a'", "a BETWEEN 1 AND 'x'",
        "a BETWEEN NULL AND 1", "a BETWEEN TRUE AND FALSE", "5 BETWEEN 1 AND 9", "5 BETWEEN a AND b", "'x' BETWEEN 1 AND 2", "a BETWEEN (1) AND (2)",
        "a BETWEEN 1", "a BETWEEN 1 OR 2", "a BETWEEN 1 AND 2 AND b BETWEEN 3 AND 4", "a BETWEEN 9007199254740992.0 AND 9007199254740993",
        "a CONTAINS 'b'", "a CONTAINS ''", "a NOT CONTAINS ''", "a CONTAINS b", "a CONTAINS 5", "5 CONTAINS '5'", "'abc' CONTAINS 'b'",
        "'abc' NOT STARTSWITH 'b'", "NULL CONTAINS 'x'", "(a = 1) CONTAINS 'true'", "(a > 1) NOT CONTAINS 'x'", "(a > 1) CONTAINS ''",
        "a > 1 CONTAINS 'x'", "a CONTAINS 'b' CONTAINS 'c'", "a STARTSWITH 'a' OR a ENDSWITH 'z'", "a NOT ENDSWITH 'z'", "a NOT 'z'", "-a CONTAINS 'x'",
        "a < 1 < 2", "a < 5 = TRUE", "a < 5 = 3", "3 = (a < 5)", "a = 5 < 3", "a <> b <> c", "a <= b", "a >= b", "a < b", "a > b", "1 < 2", "2 < 1",
        "1.5 < 2", "2 < 1.5", "3000000000 > 1", "1 > 3000000000", "3000000000 = a", "a = 3000000000", "a > 3000000000", "a > 2.5e0", "a = 0.0",
        "a = 0", "a = -0", "a > 0", "a < 0", "a = .5", "a = 5.", "a = 1e400", "a = 1e-400", "a = 0x10", "a = 010", "a = 1a", "a = 1.2.3", "a = 5e",
        "a = 5L", "a = 5l", "a = 5D", "a = 0L", "a = 9223372036854775807", "a = 9223372036854775808", "a = -9223372036854775807",
        "a = -9223372036854775808", "a = 99999999999999999999", "a == 1", "a != 1", "a <>1", "a< >1", "a > = 1", "a = \"x\"", "a LIKE 'x%'",
        "a + 1 = 2", "a * 2 = 4", "a = 1 || b = 2", "a = 1 && b = 2", "a = 1; b", "a-b = 1", "a.b = 1", "1a = 1", "_ = 1", "$ = 1", "a$1_ = 1",
        "\u00e4 = 1", "a\u00e4 = 1", "\u212a = 1", "I\u017f NULL", "a \u0131n ('x')", "a = 1\u0000", "a\u00a0= 1", "a\u000b= 1", "a = 'x'--", "a = 'x' --\n",
        "a = 'x' -- c", "-- c\na = 'x'", "-- c\ra = 'x'", "/**/a/***/=/* * / */'x'/**/", "/*/ a = 'x'", "a = 'x' /*", "a = 'x' /", "a /* b */ = 'x'",
        "a = 'x''y'", "a = 'x'''", "a = ''''", "a = '''", "a = ''", "a <> ''", "a IN ('')", "a IN ('it''s')", "between = 1", "IN IN ('x')", "is IS NULL",
        "true", "tRuE", "nUlL", "a Is NoT nUlL", "contains CONTAINS 'x'", "nota = 1", "NOTa = 1", "NOT(a=1)", "a=1AND b=2", "a=1 ANDb=2", "a='x'AND b='x'",
        "a=1OR b=2", "a IN('x')AND b IN('y')", "(a)=(1)", "((a))=((1))", "(a AND b)", "a AND b OR c", "a OR b AND c", "a = 1 OR b = 1 AND c = 1",
        "(a = 1 OR b = 1) AND c = 1", "a = 1 AND (b = 1 OR c = 1)", "a > 1 OR b = 'abc'", "b = 'abc' OR a > 1", "a > 1 AND b = 'abc'", "b = 'abc' AND a > 1",
        "NOT (a > 1 OR b = 1)", "NOT (a > 1 AND b = 1)", "NOT a IS NULL", "NOT (a IS NULL)", "a AND NULL", "NULL OR a", "NULL AND FALSE", "NULL OR TRUE",
        "a = 'abc' OR 'x' = 5", "a = 'abc' AND 'x' = 5", "TAGS = 'abc'", "tags = 'abc'", "Price > 5", "price > 5", "a BETWEEN 1 AND 10 OR b IN ('x', 'abc')"
    };
}
