package rocknest.golden;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.StringJoiner;
import org.apache.rocketmq.common.filter.ExpressionType;
import org.apache.rocketmq.common.message.MessageExtBrokerInner;
import org.apache.rocketmq.common.TopicFilterType;
import org.apache.rocketmq.filter.FilterFactory;
import org.apache.rocketmq.filter.expression.EvaluationContext;
import org.apache.rocketmq.filter.expression.Expression;
import org.apache.rocketmq.filter.expression.MQFilterException;
import org.apache.rocketmq.remoting.protocol.filter.FilterAPI;
import org.apache.rocketmq.remoting.protocol.heartbeat.SubscriptionData;

/** What the filters of a broker and of a client say: SQL92 expressions for sets of properties, tag expressions for tags. */
final class Filters {
    private static final String[] VALUES = {"5", "-5", "+5", "05", "1", "10", "0", "-0", "5.0", "5.", ".5", "-2.5", "1e3", "1E-3", " 5", "5 ", "abc", "x", "ab",
        "xabcx", "true", "TRUE", "tRue", "false", "null", "NaN", "-NaN", "Infinity", "-Infinity", "nan", "2147483647", "2147483648", "-2147483648",
        "-2147483649", "9007199254740992", "9007199254740993", "9223372036854775807", "-9223372036854775808", "9223372036854775808",
        "00000000000000000000000000000005", "5f", "5D", "5L", "0x10", "0x1p3", "0x.8p1", "0X1.8P-1074", "0x1.fffffffffffff8p1023", "1e400", "1e-400",
        "\u0665", "\uff15", "-\u0665\u0660", "\u096b.\u096b", "it's", "\u00e4\u6f22\ud83d\ude00", " ", "-", "+", "--5", "5_0", "1,000", "\ufffd", "a\nb",
        "1700000000001", "123456789012345", "1234567890123456", "4.9E-324", "\t5\u0001", "e", ".", "0e0"};

    private final Fixtures fixtures;

    Filters(Fixtures fixtures) {
        this.fixtures = fixtures;
    }

    void write() throws Exception {
        writeSql92();
        writeTags();
    }

    /** One line for each expression: the verdicts for all sets in a row (True, False, Unknown, Error), or "refused". */
    private void writeSql92() throws Exception {
        List<Map<String, String>> sets = propertySets();
        List<String> setLines = new ArrayList<>();
        for (Map<String, String> set : sets) {
            setLines.add(Json.line(set));
        }
        List<String> caseLines = new ArrayList<>();
        for (String expression : Sql92Expressions.make()) {
            caseLines.add(Json.line(List.of(expression, verdicts(expression, sets))));
        }
        String text = "{\"sets\":[\n" + String.join(",\n", setLines) + "\n],\"cases\":[\n" + String.join(",\n", caseLines) + "\n]}\n";
        fixtures.add("sql92.json", "sql92", text.getBytes(StandardCharsets.UTF_8), null);
    }

    private static String verdicts(String text, List<Map<String, String>> sets) {
        Expression expression;
        try {
            expression = FilterFactory.INSTANCE.get(ExpressionType.SQL92).compile(text);
        } catch (MQFilterException refused) {
            return "refused";
        }
        StringBuilder verdicts = new StringBuilder();
        for (Map<String, String> set : sets) {
            verdicts.append(verdict(expression, set));
        }
        return verdicts.toString();
    }

    private static char verdict(Expression expression, Map<String, String> properties) {
        try {
            Object value = expression.evaluate(new Context(properties));
            if (value == null) {
                return 'U';
            }
            return (Boolean) value ? 'T' : 'F';
        } catch (Exception thrown) {
            return 'E';
        }
    }

    private static List<Map<String, String>> propertySets() {
        List<Map<String, String>> sets = new ArrayList<>();
        sets.add(Map.of());
        for (String value : VALUES) {
            Map<String, String> all = new LinkedHashMap<>();
            all.put("a", value);
            all.put("b", "abc");
            all.put("Price", value);
            sets.add(all);
        }
        Random random = new Random(5);
        while (sets.size() < 120) {
            Map<String, String> set = new LinkedHashMap<>();
            for (String name : Sql92Expressions.NAMES) {
                if (random.nextInt(4) > 0) {
                    // Numbers that can be compared, mostly: otherwise one error hides all else.
                    set.put(name, random.nextInt(3) > 0 ? VALUES[random.nextInt(7)] : VALUES[random.nextInt(VALUES.length)]);
                }
            }
            sets.add(set);
        }
        return sets;
    }

    /** For each expression its sets, and for each tag 2 when broker and client let it through, 1 when only the broker does, by the hash. */
    private void writeTags() throws Exception {
        String[] tags = {"", "A", "B", "Aa", "BB", "A B", "C", "a", "*", "A|B", "|", "AaAa", "BBBB", "AaBB", "\u00e4", "\ud83d\ude00", "A||B", " A", "A "};
        String[] expressions = {"*", "", " ", " * ", "A", "A||B", "A || B", " A  ||  B ", "||A", "A||", "||A||B||", "A|B", "A ||| B", "A||||B", "||", " || ",
            "Aa", "BB", "Aa || BB", "AaAa||C", "A B", "a", "A||A", "*||A", "A || *", "**", "\tA\n||\tB", "\u00a0A||B", "\u00e4 || \ud83d\ude00", "A&&B", "TAG", "null", "|", "|||"};
        StringJoiner lines = new StringJoiner(",\n", "{\"tags\":" + Json.line(List.of(tags)) + ",\"cases\":[\n", "\n]}\n");
        for (String expression : expressions) {
            lines.add(Json.line(tagCase(expression, tags)));
        }
        fixtures.add("tags.json", "tags", lines.toString().getBytes(StandardCharsets.UTF_8), null);
    }

    private static Map<String, Object> tagCase(String expression, String[] tags) {
        SubscriptionData data;
        try {
            data = FilterAPI.buildSubscriptionData("TopicTest", expression);
        } catch (Exception refused) {
            return Fixtures.map("expression", expression, "refused", true);
        }
        StringBuilder verdicts = new StringBuilder();
        for (String tag : tags) {
            boolean isAll = data.getSubString().equals(SubscriptionData.SUB_ALL);
            long code = MessageExtBrokerInner.tagsString2tagsCode(TopicFilterType.SINGLE_TAG, tag);
            boolean byBroker = isAll || data.getCodeSet().contains((int) code);
            boolean byClient = data.getTagsSet().isEmpty() || data.getTagsSet().contains(tag);
            verdicts.append(!byBroker ? 0 : byClient ? 2 : 1);
        }
        List<String> tagsSet = new ArrayList<>(data.getTagsSet());
        List<Integer> codeSet = new ArrayList<>(data.getCodeSet());
        tagsSet.sort(null);
        codeSet.sort(null);
        return Fixtures.map("expression", expression, "subString", data.getSubString(), "tagsSet", tagsSet, "codeSet", codeSet,
            "verdicts", verdicts.toString());
    }

    private static final class Context implements EvaluationContext {
        private final Map<String, String> properties;

        Context(Map<String, String> properties) {
            this.properties = properties;
        }

        @Override
        public Object get(String name) {
            return properties.get(name);
        }

        @Override
        public Map<String, Object> keyValues() {
            return new LinkedHashMap<>(properties);
        }
    }
}
