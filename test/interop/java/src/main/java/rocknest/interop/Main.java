package rocknest.interop;

/** One program over the official Java client. The first argument is the command; results are JSON lines on standard output. */
public final class Main {

    private interface Command {
        void run(Arguments arguments) throws Exception;
    }

    private static Command commandOf(String name) {
        switch (name) {
            case "create-topic": return CreateTopic::run;
            case "produce": return Produce::run;
            case "consume": return Consume::run;
            case "retry": return Retry::run;
            case "admin-check": return AdminCheck::run;
            case "load": return Load::run;
            case "allocate": return Allocate::run;
            case "offset-tool": return OffsetTool::run;
            case "filters": return Filters::run;
            case "orderly": return Orderly::run;
            case "transactions": return Transactions::run;
            case "trace-context-send": return TraceContexts::send;
            case "trace-context-receive": return TraceContexts::receive;
            case "dead-letters": return DeadLetters::run;
            case "ask": return Requests::ask;
            case "reply": return Requests::reply;
            case "sending-send": return Sending::send;
            case "sending-receive": return Sending::receive;
            case "long-run": return LongRun::run;
            case "wrong-uses": return WrongUses::run;
            case "lab": return Lab::run;
            default: throw new IllegalArgumentException("unknown command " + name);
        }
    }

    public static void main(String[] argv) {
        int exitCode = 0;
        try {
            if (argv.length > 0 && argv[0].startsWith("pop-")) {
                // Not there with clients of 4.x.
                Class.forName("rocknest.interop.PopCalls").getMethod("run", String[].class).invoke(null, (Object) argv);
                System.out.flush();
                Runtime.getRuntime().halt(0);
            }
            if (argv.length == 0) throw new IllegalArgumentException("the first argument is the command");
            commandOf(argv[0]).run(new Arguments(argv, 1));
        } catch (Throwable error) {
            error.printStackTrace();
            Report.error(error);
            exitCode = 1;
        }
        System.out.flush();
        // The client leaves non-daemon threads behind.
        Runtime.getRuntime().halt(exitCode);
    }

    private Main() {
    }
}
