package rocknest.golden;

import java.util.List;
import java.util.Map;

/** Writes the index; independent of the fastjson versions whose output is under test. */
final class Json {
    private Json() {
    }

    static String write(Object value) {
        StringBuilder out = new StringBuilder();
        write(out, value, "");
        return out.append('\n').toString();
    }

    /** On one line; texts have no line ends of their own here. */
    static String line(Object value) {
        return write(value).replaceAll("\\n *", "");
    }

    private static void write(StringBuilder out, Object value, String indent) {
        if (value == null || value instanceof Number || value instanceof Boolean) {
            out.append(value);
        } else if (value instanceof Map) {
            String separator = "{";
            for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                out.append(separator).append('\n').append(indent).append("  ");
                quote(out, entry.getKey().toString());
                out.append(": ");
                write(out, entry.getValue(), indent + "  ");
                separator = ",";
            }
            out.append(separator.equals("{") ? "{}" : "\n" + indent + "}");
        } else if (value instanceof List) {
            String separator = "[";
            for (Object item : (List<?>) value) {
                out.append(separator).append('\n').append(indent).append("  ");
                write(out, item, indent + "  ");
                separator = ",";
            }
            out.append(separator.equals("[") ? "[]" : "\n" + indent + "]");
        } else {
            quote(out, value.toString());
        }
    }

    private static void quote(StringBuilder out, String text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') {
                out.append('\\').append(c);
            } else if (c < ' ' || c > '~') {
                out.append(String.format("\\u%04x", (int) c));
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }
}
