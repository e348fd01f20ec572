package rocknest.interop;

import java.util.ArrayList;
import java.util.Base64;
import java.util.BitSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.rocketmq.common.message.MessageExt;
import org.apache.rocketmq.common.message.MessageQueue;

/** What a group received: which numbers, how often, with what differences, and which offsets of which queue. */
final class Ledger {
    private static final int REPORTED_EXAMPLES = 5;

    private final String topic;
    private final String seed;
    private final BitSet received = new BitSet();
    private final Map<String, BitSet> offsets = new TreeMap<>();
    private final List<String> differences = new ArrayList<>();
    private int duplicates;
    private int foreign;
    private int different;

    Ledger(String topic, String seed) {
        this.topic = topic;
        this.seed = seed;
    }

    synchronized void add(MessageExt message, MessageQueue queue) {
        int index = ExpectedMessage.indexOf(message, seed);
        if (index < 0) {
            foreign++;
            return;
        }
        String difference = ExpectedMessage.difference(message, topic, seed, index);
        if (difference != null) {
            different++;
            if (differences.size() < REPORTED_EXAMPLES) differences.add("message " + index + ": " + difference);
        }
        if (received.get(index)) duplicates++;
        received.set(index);
        offsets.computeIfAbsent(queue.getBrokerName() + "/" + queue.getQueueId(), key -> new BitSet()).set((int) message.getQueueOffset());
    }

    synchronized int distinct() {
        return received.cardinality();
    }

    synchronized Report describe(Report report) {
        List<Map<String, Object>> queues = new ArrayList<>();
        offsets.forEach((queue, seen) -> {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("queue", queue);
            fields.put("minOffset", seen.nextSetBit(0));
            fields.put("maxOffset", seen.length() - 1);
            fields.put("distinct", seen.cardinality());
            queues.add(fields);
        });
        return report.put("distinct", distinct()).put("duplicates", duplicates).put("foreign", foreign).put("different", different)
            .put("differences", differences).put("queues", queues)
            .put("received", Base64.getEncoder().encodeToString(received.toByteArray()));
    }
}
