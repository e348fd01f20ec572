package rocknest.interop;

import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import org.apache.rocketmq.client.exception.MQBrokerException;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.client.producer.SendResult;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/**
 * Calls the admin operations of the official tools that a broker and a namesrv answer, one JSON line for each: what came back, or the
 * error. {@code --group} names a consumer group that is online on {@code --topic}.
 */
final class AdminCheck {
    private static final int GONE_TIMEOUT_MS = 40_000;
    private static final int HEARTBEAT_TIMEOUT_MS = 40_000;
    private static final int INDEX_TIMEOUT_MS = 10_000;
    private static final String NAMESPACE = "INTEROP_CHECK";

    private interface Operation {
        Object call() throws Exception;
    }

    private final DefaultMQAdminExt admin;
    private final DefaultMQProducer producer;
    private final String topic;
    private final String group;
    private final String producerGroup;
    private String broker;
    private String cluster;
    private String brokerName;

    private AdminCheck(Arguments arguments) throws Exception {
        admin = Clients.admin(arguments);
        producer = Clients.producer(arguments);
        producer.start();
        topic = arguments.text("topic");
        group = arguments.text("group");
        producerGroup = producer.getProducerGroup();
    }

    static void run(Arguments arguments) throws Exception {
        AdminCheck check = new AdminCheck(arguments);
        check.cluster();
        check.messages();
        check.topics();
        check.groups();
        check.configuration();
        check.removal();
        check.producer.shutdown();
        check.admin.shutdown();
        Report.event("done").write();
    }

    /** By reflection: the tools of 4.x have no such call. */
    private Object isMaster() throws Exception {
        Object status = admin.getClass().getMethod("getBrokerHAStatus", String.class).invoke(admin, broker);
        return status.getClass().getMethod("isMaster").invoke(status);
    }

    private void operation(String name, Operation operation) {
        Report report = Report.event("operation").put("name", name);
        try {
            report.put("ok", true).put("value", operation.call());
        } catch (Throwable error) {
            report.put("ok", false).put("error", String.valueOf(error));
        }
        report.write();
    }

    /** The official broker indexes a message some milliseconds after it answered the send. */
    private static <T> T found(Callable<T> query) throws Exception {
        long deadline = System.currentTimeMillis() + INDEX_TIMEOUT_MS;
        for (;;) {
            try {
                T result = query.call();
                if (result != null) return result;
                if (System.currentTimeMillis() > deadline) throw new IllegalStateException("no message");
            } catch (MQClientException error) {
                if (System.currentTimeMillis() > deadline) throw error;
            }
            Thread.sleep(50);
        }
    }

    private void cluster() {
        operation("examineBrokerClusterInfo", () -> {
            var info = admin.examineBrokerClusterInfo();
            var entry = info.getBrokerAddrTable().entrySet().iterator().next();
            brokerName = entry.getKey();
            broker = entry.getValue().getBrokerAddrs().get(0L);
            cluster = entry.getValue().getCluster();
            return cluster + "/" + brokerName + "/" + broker + " " + info.getClusterAddrTable().get(cluster).contains(brokerName);
        });
        operation("examineTopicRouteInfo", () -> {
            var route = admin.examineTopicRouteInfo(topic);
            return route.getQueueDatas().get(0).getWriteQueueNums() + " " + route.getBrokerDatas().get(0).getBrokerName().equals(brokerName);
        });
        operation("fetchBrokerRuntimeStats", () -> admin.fetchBrokerRuntimeStats(broker).getTable().containsKey("brokerVersionDesc"));
        operation("getBrokerHAStatus", this::isMaster);
        operation("fetchAllTopicList", () -> admin.fetchAllTopicList().getTopicList().contains(topic));
        operation("fetchTopicsByCLuster", () -> admin.fetchTopicsByCLuster(cluster).getTopicList().contains(topic));
        operation("getTopicClusterList", () -> admin.getTopicClusterList(topic).contains(cluster));
        operation("wipeWritePermOfBroker", () -> admin.wipeWritePermOfBroker(admin.getNameServerAddressList().get(0), brokerName) > 0);
        operation("writePermAfterWipe", () -> admin.examineTopicRouteInfo(topic).getQueueDatas().get(0).getPerm());
        operation("addWritePermOfBroker", () -> admin.addWritePermOfBroker(admin.getNameServerAddressList().get(0), brokerName) > 0);
        operation("writePermAfterAdd", () -> admin.examineTopicRouteInfo(topic).getQueueDatas().get(0).getPerm());
    }

    private void messages() {
        MessageQueue[] queue = new MessageQueue[1];
        SendResult[] result = new SendResult[1];
        long[] timestamp = new long[1];
        operation("send", () -> {
            result[0] = producer.send(ExpectedMessage.create(topic, "admin", 7));
            queue[0] = result[0].getMessageQueue();
            return result[0].getSendStatus();
        });
        operation("viewMessage", () -> {
            var message = admin.viewMessage(topic, result[0].getOffsetMsgId());
            timestamp[0] = message.getStoreTimestamp();
            return ExpectedMessage.difference(message, topic, "admin", 7);
        });
        operation("viewMessageByUniqueId",
            () -> ExpectedMessage.difference(found(() -> admin.viewMessage(topic, result[0].getMsgId())), topic, "admin", 7));
        operation("queryMessage", () -> {
            String[] keys = ExpectedMessage.create(topic, "admin", 7).getKeys().split(" ");
            StringBuilder found = new StringBuilder();
            for (String key : keys) {
                var messages = found(() -> admin.queryMessage(topic, key, 64, 0, Long.MAX_VALUE)).getMessageList();
                long hits = messages.stream().filter(message -> message.getMsgId().equals(result[0].getMsgId())).count();
                // Earlier messages of the topic may have the same key.
                found.append(hits);
            }
            return found.toString().equals("1".repeat(keys.length)) ? "each key" : found.toString();
        });
        operation("queryMessageOutOfTime", () -> {
            String key = ExpectedMessage.create(topic, "admin", 7).getKeys().split(" ")[0];
            try {
                return admin.queryMessage(topic, key, 64, 0, timestamp[0] - 3_600_000L).getMessageList().size();
            } catch (MQClientException error) {
                return error.getResponseCode();
            }
        });
        operation("queryMessageUnknownKey", () -> {
            try {
                return admin.queryMessage(topic, "no message has this key", 64, 0, Long.MAX_VALUE).getMessageList().size();
            } catch (MQClientException error) {
                return error.getResponseCode();
            }
        });
        operation("maxOffset", () -> admin.maxOffset(queue[0]) - result[0].getQueueOffset());
        operation("minOffset", () -> admin.minOffset(queue[0]));
        operation("searchOffset", () -> admin.searchOffset(queue[0], timestamp[0]) - result[0].getQueueOffset());
        operation("searchOffsetAfter", () -> admin.searchOffset(queue[0], timestamp[0] + 1) - result[0].getQueueOffset());
        operation("earliestMsgStoreTime", () -> Math.abs(timestamp[0] - admin.earliestMsgStoreTime(queue[0])) < 3_600_000L);
        operation("examineTopicStats", () -> {
            long messages = 0;
            for (var offset : admin.examineTopicStats(topic).getOffsetTable().values()) messages += offset.getMaxOffset() - offset.getMinOffset();
            return messages;
        });
    }

    private void topics() {
        operation("createAndUpdateTopicConfig", () -> {
            admin.createAndUpdateTopicConfig(broker, new TopicConfig(topic + "-admin", 3, 5, 6));
            var queue = admin.examineTopicRouteInfo(topic + "-admin").getQueueDatas().get(0);
            return queue.getReadQueueNums() + " " + queue.getWriteQueueNums() + " " + queue.getPerm();
        });
        operation("examineTopicConfig", () -> {
            TopicConfig config = admin.examineTopicConfig(broker, topic + "-admin");
            return config.getReadQueueNums() + " " + config.getWriteQueueNums() + " " + config.getPerm();
        });
        operation("getAllTopicGroup", () -> admin.getAllTopicConfig(broker, 5000).getTopicConfigTable().containsKey(topic));
    }

    private void groups() {
        operation("examineConsumerConnectionInfo", () -> {
            var info = admin.examineConsumerConnectionInfo(group);
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("connections", info.getConnectionSet().size());
            fields.put("messageModel", info.getMessageModel().name());
            fields.put("consumeType", info.getConsumeType().name());
            fields.put("topics", new TreeMap<>(info.getSubscriptionTable()).keySet());
            return fields;
        });
        operation("examineProducerConnectionInfo", () -> {
            // A producer is known to the broker after its first heartbeat.
            long deadline = System.currentTimeMillis() + HEARTBEAT_TIMEOUT_MS;
            for (;;) {
                try {
                    return admin.examineProducerConnectionInfo(producerGroup, topic).getConnectionSet().size();
                } catch (MQBrokerException error) {
                    if (System.currentTimeMillis() > deadline) throw error;
                    Thread.sleep(100);
                }
            }
        });
        operation("examineConsumeStats", () -> {
            var stats = admin.examineConsumeStats(group);
            long consumed = 0;
            for (var entry : stats.getOffsetTable().entrySet()) {
                if (entry.getKey().getTopic().equals(topic)) consumed += entry.getValue().getConsumerOffset();
            }
            return consumed;
        });
        operation("queryTopicConsumeByWho", () -> admin.queryTopicConsumeByWho(topic).getGroupList().contains(group));
        operation("createAndUpdateSubscriptionGroupConfig", () -> {
            var config = admin.examineSubscriptionGroupConfig(broker, group);
            config.setRetryMaxTimes(9);
            admin.createAndUpdateSubscriptionGroupConfig(broker, config);
            return admin.examineSubscriptionGroupConfig(broker, group).getRetryMaxTimes();
        });
        operation("getAllSubscriptionGroup",
            () -> admin.getAllSubscriptionGroup(broker, 5000).getSubscriptionGroupTable().containsKey(group));
    }

    private void configuration() {
        operation("getBrokerConfig", () -> admin.getBrokerConfig(broker).getProperty("brokerName"));
        operation("getNameServerConfig", () -> admin.getNameServerConfig(admin.getNameServerAddressList()).size());
        operation("createAndUpdateKvConfig", () -> {
            admin.createAndUpdateKvConfig(NAMESPACE, "key", "value=1");
            return admin.getKVConfig(NAMESPACE, "key");
        });
        operation("getKVListByNamespace", () -> admin.getKVListByNamespace(NAMESPACE).getTable().get("key"));
        operation("deleteKvConfig", () -> {
            admin.deleteKvConfig(NAMESPACE, "key");
            try {
                return admin.getKVConfig(NAMESPACE, "key");
            } catch (Exception error) {
                return "gone";
            }
        });
    }

    private void removal() {
        operation("deleteTopic", () -> {
            admin.deleteTopicInBroker(Set.of(broker), topic + "-admin");
            deleteTopicInNamesrv(topic + "-admin");
            long deadline = System.currentTimeMillis() + GONE_TIMEOUT_MS;
            while (System.currentTimeMillis() < deadline) {
                try {
                    admin.examineTopicRouteInfo(topic + "-admin");
                    Thread.sleep(100);
                } catch (MQClientException error) {
                    return "gone";
                }
            }
            return "still there";
        });
    }

    /** 4.9.8 declares (addresses, topic, cluster); 5.x swapped the two and added (addresses, topic). */
    private void deleteTopicInNamesrv(String name) throws Exception {
        Set<String> namesrvs = new HashSet<>(admin.getNameServerAddressList());
        try {
            DefaultMQAdminExt.class.getMethod("deleteTopicInNameServer", Set.class, String.class).invoke(admin, namesrvs, name);
        } catch (NoSuchMethodException error) {
            admin.deleteTopicInNameServer(namesrvs, name, cluster);
        }
    }
}
