package rocknest.interop;

import java.util.HashMap;
import java.util.Map;

/** Options written as {@code --name value}, or as {@code name=value} in a line of the load command. */
final class Arguments {
    private final Map<String, String> values = new HashMap<>();

    Arguments(String[] argv, int start) {
        for (int i = start; i < argv.length; i += 2) {
            if (!argv[i].startsWith("--") || i + 1 >= argv.length) {
                throw new IllegalArgumentException("expected --name value at " + argv[i]);
            }
            values.put(argv[i].substring(2), argv[i + 1]);
        }
    }

    Arguments(String line) {
        for (String part : line.trim().split("\\s+")) {
            int equals = part.indexOf('=');
            if (equals > 0) values.put(part.substring(0, equals), part.substring(equals + 1));
        }
    }

    String text(String name) {
        String value = values.get(name);
        if (value == null) throw new IllegalArgumentException("missing --" + name);
        return value;
    }

    String text(String name, String fallback) {
        return values.getOrDefault(name, fallback);
    }

    int number(String name) {
        return Integer.parseInt(text(name));
    }

    int number(String name, int fallback) {
        return values.containsKey(name) ? number(name) : fallback;
    }

    boolean flag(String name) {
        return Boolean.parseBoolean(text(name, "false"));
    }
}
