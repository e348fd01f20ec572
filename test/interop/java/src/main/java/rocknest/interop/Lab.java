package rocknest.interop;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Any number of the official consumers in one JVM, and a producer that looks messages up, told what to do by standard input:
 * {@code <number> <operation> name=MEMBER option=value ...}. Each line is answered with an {@code answer} event of its number; operations run
 * side by side, so that one which waits holds up no other. What the listeners of push consumers get and do is told by {@code begin} and {@code end} events. Ends with its input.
 */
final class Lab {
    static void run(Arguments common) throws Exception {
        LabPush push = new LabPush(common);
        LabPull pull = new LabPull(common);
        LabLitePull litePull = new LabLitePull(common);
        LabLookup lookup = new LabLookup(common);
        LabDelay delay = new LabDelay(common);
        LabSend send = new LabSend(common);
        LabTrace trace = new LabTrace(common);
        Report.event("ready").write();
        ExecutorService operations = Executors.newCachedThreadPool();
        BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            String[] words = line.trim().split("\\s+");
            Arguments arguments = new Arguments(line);
            operations.execute(() -> {
                Report report = Report.event("answer").put("number", Integer.parseInt(words[0]));
                try {
                    report.put("ok", true).put("value", answer(words[1], arguments, push, pull, litePull, lookup, delay, send, trace));
                } catch (Throwable error) {
                    report.put("ok", false).put("error", String.valueOf(error));
                }
                report.write();
            });
        }
        push.close();
        pull.close();
        litePull.close();
        lookup.close();
        delay.close();
        send.close();
        trace.close();
        Report.event("done").write();
    }

    private static Object answer(String operation, Arguments line, LabPush push, LabPull pull, LabLitePull litePull, LabLookup lookup,
        LabDelay delay, LabSend send, LabTrace trace) throws Exception {
        String[] parts = operation.split("\\.");
        switch (parts[0]) {
            case "push": return push.answer(parts[1], line);
            case "pull": return pull.answer(parts[1], line);
            case "lite": return litePull.answer(parts[1], line);
            case "lookup": return lookup.answer(parts[1], line);
            case "send": return send.answer(parts[1], line);
            case "trace": return trace.answer(parts[1], line);
            case "delay": return delay.answer(parts[1], line);
            default: throw new IllegalArgumentException("unknown operation " + operation);
        }
    }

    private Lab() {
    }
}
