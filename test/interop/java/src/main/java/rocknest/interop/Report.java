package rocknest.interop;

import java.util.LinkedHashMap;
import java.util.Map;

/** Writes one JSON object a line on standard output. */
final class Report {
    private final Map<String, Object> fields = new LinkedHashMap<>();

    static Report event(String name) {
        return new Report().put("event", name);
    }

    static void error(Throwable error) {
        event("error").put("message", String.valueOf(error)).write();
    }

    Report put(String name, Object value) {
        fields.put(name, value);
        return this;
    }

    void write() {
        StringBuilder out = new StringBuilder();
        json(out, fields);
        synchronized (System.out) {
            System.out.println(out);
            System.out.flush();
        }
    }

    private static void json(StringBuilder out, Object value) {
        if (value == null || value instanceof Number || value instanceof Boolean) {
            out.append(value);
        } else if (value instanceof Map) {
            out.append('{');
            boolean first = true;
            for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                if (!first) out.append(',');
                first = false;
                string(out, String.valueOf(entry.getKey()));
                out.append(':');
                json(out, entry.getValue());
            }
            out.append('}');
        } else if (value instanceof Iterable) {
            out.append('[');
            boolean first = true;
            for (Object item : (Iterable<?>) value) {
                if (!first) out.append(',');
                first = false;
                json(out, item);
            }
            out.append(']');
        } else {
            string(out, String.valueOf(value));
        }
    }

    private static void string(StringBuilder out, String text) {
        out.append('"');
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (c == '"' || c == '\\') out.append('\\').append(c);
            else if (c < 0x20 || c > 0x7e) out.append(String.format("\\u%04x", (int) c));
            else out.append(c);
        }
        out.append('"');
    }
}
