package rocknest.golden;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Collects the files of one run and the index that says what each holds. */
final class Fixtures {
    private final Path folder;
    private final List<Object> files = new ArrayList<>();
    private final Map<String, Object> values = new LinkedHashMap<>();

    Fixtures(Path folder) throws IOException {
        this.folder = folder;
        Files.createDirectories(folder);
    }

    /**
     * @param kind what reads it: frame, message, batch or the name of a body
     * @param sameBytes false where the bytes depend on the machine (its zlib)
     * @param expected what must be read from it; null for bodies, whose values stand in the test
     */
    void add(String file, String kind, byte[] bytes, boolean sameBytes, Object expected) throws IOException {
        Files.write(folder.resolve(file), bytes);
        Map<String, Object> entry = new LinkedHashMap<>();
        entry.put("file", file);
        entry.put("kind", kind);
        entry.put("sameBytes", sameBytes);
        if (expected != null) {
            entry.put("expected", expected);
        }
        files.add(entry);
    }

    void add(String file, String kind, byte[] bytes, Object expected) throws IOException {
        add(file, kind, bytes, true, expected);
    }

    /** A table of values that are compared as they are, without a file of their own. */
    void value(String name, Object value) {
        values.put(name, value);
    }

    void finish(String version) throws IOException {
        Map<String, Object> index = new LinkedHashMap<>();
        index.put("rocketmq", version);
        index.put("files", files);
        index.put("values", values);
        Files.write(folder.resolve("index.json"), Json.write(index).getBytes(StandardCharsets.UTF_8));
    }

    /** An ordered map of alternating keys and values. */
    static Map<String, Object> map(Object... keysAndValues) {
        Map<String, Object> map = new LinkedHashMap<>();
        for (int i = 0; i < keysAndValues.length; i += 2) {
            map.put((String) keysAndValues[i], keysAndValues[i + 1]);
        }
        return map;
    }
}
