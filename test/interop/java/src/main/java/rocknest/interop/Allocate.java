package rocknest.interop;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import org.apache.rocketmq.client.consumer.AllocateMessageQueueStrategy;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMachineRoomNearby;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragelyByCircle;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueByMachineRoom;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueConsistentHash;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * Shares generated queues out among generated members with the strategies of the client, one event for each topic: the members, the
 * queues as {@code [broker, queue id]}, and for each strategy the indexes of each member's queues.
 */
final class Allocate {
    private static final long SEED = 20260131;
    private static final int MAX_MEMBERS = 9;
    private static final int MAX_QUEUES_OF_BROKER = 12;
    private static final String[] ROOMS = {"east", "west", "north"};
    private static final String[] BROKERS = {
        "east@broker-a", "east@broker-b", "west@broker-a", "north@broker-a", "north@broker@x", "west@broker-b@", "plain", "south@broker-z"
    };

    static void run(Arguments arguments) {
        Random random = new Random(SEED);
        int cases = arguments.number("cases");
        for (int number = 0; number < cases; number++) one(random, "topic-" + number);
        Report.event("done").write();
    }

    private static void one(Random random, String topic) {
        List<String> members = new ArrayList<>();
        int memberCount = 1 + random.nextInt(MAX_MEMBERS);
        for (int i = 0; i < memberCount; i++) {
            String room = ROOMS[random.nextInt(ROOMS.length)];
            members.add("10.0." + random.nextInt(256) + "." + random.nextInt(256) + "@" + room + "#" + i);
        }
        Collections.sort(members);
        List<MessageQueue> queues = new ArrayList<>();
        // One queue at least: without any the client reports an error instead of sharing out.
        int always = random.nextInt(BROKERS.length);
        for (int broker = 0; broker < BROKERS.length; broker++) {
            int count = broker == always ? 1 + random.nextInt(MAX_QUEUES_OF_BROKER)
                : random.nextInt(3) == 0 ? random.nextInt(MAX_QUEUES_OF_BROKER + 1) : 0;
            for (int id = 0; id < count; id++) queues.add(new MessageQueue(topic, BROKERS[broker], id));
        }
        Collections.sort(queues);

        Map<String, Object> shares = new LinkedHashMap<>();
        shares.put("AVG", sharesOf(new AllocateMessageQueueAveragely(), queues, members));
        shares.put("AVG_BY_CIRCLE", sharesOf(new AllocateMessageQueueAveragelyByCircle(), queues, members));
        shares.put("CONSISTENT_HASH", sharesOf(new AllocateMessageQueueConsistentHash(), queues, members));
        shares.put("CONSISTENT_HASH 1", sharesOf(new AllocateMessageQueueConsistentHash(1), queues, members));
        shares.put("CONSISTENT_HASH 64", sharesOf(new AllocateMessageQueueConsistentHash(64), queues, members));
        AllocateMessageQueueByMachineRoom rooms = new AllocateMessageQueueByMachineRoom();
        rooms.setConsumeridcs(new HashSet<>(Set.of("east", "west")));
        shares.put("MACHINE_ROOM", sharesOf(rooms, queues, members));
        shares.put("MACHINE_ROOM_NEARBY-AVG", sharesOf(nearby(new AllocateMessageQueueAveragely()), queues, members));
        shares.put("MACHINE_ROOM_NEARBY-AVG_BY_CIRCLE", sharesOf(nearby(new AllocateMessageQueueAveragelyByCircle()), queues, members));

        List<Object> places = new ArrayList<>();
        for (MessageQueue queue : queues) places.add(List.of(queue.getBrokerName(), queue.getQueueId()));
        Report.event("case").put("topic", topic).put("members", members).put("queues", places).put("shares", shares).write();
    }

    private static AllocateMachineRoomNearby nearby(AllocateMessageQueueStrategy inner) {
        return new AllocateMachineRoomNearby(inner, new AllocateMachineRoomNearby.MachineRoomResolver() {
            @Override
            public String brokerDeployIn(MessageQueue queue) {
                return queue.getBrokerName().split("@")[0];
            }

            @Override
            public String consumerDeployIn(String clientId) {
                return clientId.split("@")[1].split("#")[0];
            }
        });
    }

    private static List<List<Integer>> sharesOf(AllocateMessageQueueStrategy strategy, List<MessageQueue> queues, List<String> members) {
        List<List<Integer>> shares = new ArrayList<>();
        for (String member : members) {
            List<Integer> share = new ArrayList<>();
            for (MessageQueue queue : strategy.allocate("group", member, queues, members)) share.add(queues.indexOf(queue));
            shares.add(share);
        }
        return shares;
    }

    private Allocate() {
    }
}
