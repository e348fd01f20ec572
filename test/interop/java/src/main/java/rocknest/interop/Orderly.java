package rocknest.interop;

import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyContext;
import org.apache.rocketmq.client.consumer.listener.ConsumeOrderlyStatus;
import org.apache.rocketmq.client.consumer.listener.MessageListenerOrderly;
import org.apache.rocketmq.common.message.MessageExt;

/**
 * {@code --members} orderly consumers of one group, until standard input ends. Each writes its handlings to {@code --log}-number, in the format of
 * test/support/handling-log.ts and with the same clock. Bodies are numbers: each {@code --fail-every} fails once, {@code --poison} always.
 * {@code --leave-after} messages the last member leaves.
 */
final class Orderly {
    private static final int SLOW_EVERY = 8;
    private static final int SLOW_MS = 2;
    /** A broker that comes back knows no members: until the next heartbeat, 30 s later by default, it refuses the pulls. */
    private static final int HEARTBEAT_INTERVAL_MS = 1_000;

    private final Arguments arguments;
    private final int failEvery;
    private final int poison;
    private final AtomicInteger handled = new AtomicInteger();

    private Orderly(Arguments arguments) {
        this.arguments = arguments;
        failEvery = arguments.number("fail-every", 0);
        poison = arguments.number("poison", -1);
    }

    static void run(Arguments arguments) throws Exception {
        new Orderly(arguments).run();
    }

    private void run() throws Exception {
        CountDownLatch stop = Stdin.closed();
        List<DefaultMQPushConsumer> members = new ArrayList<>();
        for (int i = 0; i < arguments.number("members", 1); i++) members.add(join(i));
        Report.event("joined").write();
        int leaveAfter = arguments.number("leave-after", Integer.MAX_VALUE);
        while (!stop.await(10, TimeUnit.MILLISECONDS)) {
            if (members.size() > 1 && handled.get() >= leaveAfter) {
                members.remove(members.size() - 1).shutdown();
                Report.event("left").write();
            }
        }
        for (DefaultMQPushConsumer member : members) member.shutdown();
        Report.event("done").put("handled", handled.get()).write();
    }

    private DefaultMQPushConsumer join(int number) throws Exception {
        OutputStream log = new FileOutputStream(arguments.text("log") + "-" + number, true);
        DefaultMQPushConsumer consumer = Clients.consumer(arguments, arguments.text("group"), number);
        consumer.setHeartbeatBrokerInterval(HEARTBEAT_INTERVAL_MS);
        consumer.setMaxReconsumeTimes(arguments.number("max-reconsume", -1));
        consumer.setSuspendCurrentQueueTimeMillis(arguments.number("suspend-ms", 20));
        consumer.registerMessageListener((MessageListenerOrderly) (messages, context) -> listen(log, messages.get(0), context));
        consumer.start();
        return consumer;
    }

    private ConsumeOrderlyStatus listen(OutputStream log, MessageExt message, ConsumeOrderlyContext context) {
        int number = Integer.parseInt(new String(message.getBody(), StandardCharsets.UTF_8));
        String place = message.getQueueId() + " " + message.getQueueOffset() + " ";
        try {
            write(log, "B", place + number);
            boolean fails = number == poison || failEvery > 0 && number % failEvery == 0 && message.getReconsumeTimes() == 0;
            try {
                if (number % SLOW_EVERY == 0) Thread.sleep(SLOW_MS);
            } catch (InterruptedException error) {
                // The client interrupts its handlers when it is shut down.
                fails = true;
            }
            write(log, "E", place + (fails ? 0 : 1));
            if (fails) return ConsumeOrderlyStatus.SUSPEND_CURRENT_QUEUE_A_MOMENT;
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
        handled.incrementAndGet();
        return ConsumeOrderlyStatus.SUCCESS;
    }

    private static void write(OutputStream log, String kind, String rest) throws IOException {
        String line = kind + " " + System.nanoTime() + " " + rest + "\n";
        log.write(line.getBytes(StandardCharsets.US_ASCII));
    }
}
