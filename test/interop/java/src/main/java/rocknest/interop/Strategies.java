package rocknest.interop;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.apache.rocketmq.client.consumer.AllocateMessageQueueStrategy;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMachineRoomNearby;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragely;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueAveragelyByCircle;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueByConfig;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueByMachineRoom;
import org.apache.rocketmq.client.consumer.rebalance.AllocateMessageQueueConsistentHash;
import org.apache.rocketmq.common.message.MessageQueue;

/**
 * The client's strategies of sharing queues out, by name; {@code CONFIG/broker:id,broker:id} and {@code MACHINE_ROOM/room,room} say what they are set to.
 * Rooms are what stands before the {@code @} of a broker's name, and before the {@code -} of an instance's.
 */
final class Strategies {
    static AllocateMessageQueueStrategy named(String text, String topic) {
        String[] parts = text.split("/");
        switch (parts[0]) {
            case "AVG": return new AllocateMessageQueueAveragely();
            case "AVG_BY_CIRCLE": return new AllocateMessageQueueAveragelyByCircle();
            case "CONSISTENT_HASH": return new AllocateMessageQueueConsistentHash();
            case "CONFIG": return byConfig(parts[1], topic);
            case "MACHINE_ROOM": return byRoom(parts[1]);
            case "MACHINE_ROOM_NEARBY": return new AllocateMachineRoomNearby(new AllocateMessageQueueAveragely(), ROOMS);
            default: throw new IllegalArgumentException("unknown strategy " + text);
        }
    }

    private static final AllocateMachineRoomNearby.MachineRoomResolver ROOMS = new AllocateMachineRoomNearby.MachineRoomResolver() {
        @Override
        public String brokerDeployIn(MessageQueue queue) {
            return queue.getBrokerName().split("@")[0];
        }

        @Override
        public String consumerDeployIn(String clientId) {
            return clientId.split("@")[1].split("-")[0];
        }
    };

    private static AllocateMessageQueueStrategy byConfig(String list, String topic) {
        List<MessageQueue> queues = new ArrayList<>();
        for (String queue : list.split(",")) {
            String[] parts = queue.split(":");
            queues.add(new MessageQueue(topic, parts[0], Integer.parseInt(parts[1])));
        }
        AllocateMessageQueueByConfig strategy = new AllocateMessageQueueByConfig();
        strategy.setMessageQueueList(queues);
        return strategy;
    }

    private static AllocateMessageQueueStrategy byRoom(String list) {
        AllocateMessageQueueByMachineRoom strategy = new AllocateMessageQueueByMachineRoom();
        strategy.setConsumeridcs(new HashSet<>(Set.of(list.split(","))));
        return strategy;
    }

    private Strategies() {
    }
}
