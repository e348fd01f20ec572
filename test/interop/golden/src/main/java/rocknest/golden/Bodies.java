package rocknest.golden;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Properties;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.common.message.MessageQueue;
import org.apache.rocketmq.remoting.protocol.LanguageCode;
import ${wire.dataVersion};
import ${wire.filter}.FilterAPI;
import ${wire.admin}.ConsumeStats;
import ${wire.admin}.OffsetWrapper;
import ${wire.admin}.TopicOffset;
import ${wire.admin}.TopicStatsTable;
import ${wire.protocol}.body.CMResult;
import ${wire.protocol}.body.ClusterInfo;
import ${wire.protocol}.body.Connection;
import ${wire.protocol}.body.ConsumeMessageDirectlyResult;
import ${wire.protocol}.body.ConsumeStatus;
import ${wire.protocol}.body.ConsumerConnection;
import ${wire.protocol}.body.ConsumerRunningInfo;
import ${wire.protocol}.body.GetConsumerStatusBody;
import ${wire.protocol}.body.GroupList;
import ${wire.protocol}.body.KVTable;
import ${wire.protocol}.body.LockBatchRequestBody;
import ${wire.protocol}.body.LockBatchResponseBody;
import ${wire.protocol}.body.ProcessQueueInfo;
import ${wire.protocol}.body.ProducerConnection;
import ${wire.protocol}.body.RegisterBrokerBody;
import ${wire.protocol}.body.ResetOffsetBody;
import ${wire.protocol}.body.SubscriptionGroupWrapper;
import ${wire.protocol}.body.${wire.topicConfigWrapper};
import ${wire.protocol}.body.TopicList;
import ${wire.protocol}.header.GetConsumerListByGroupResponseBody;
import ${wire.protocol}.heartbeat.ConsumeType;
import ${wire.protocol}.heartbeat.ConsumerData;
import ${wire.protocol}.heartbeat.HeartbeatData;
import ${wire.protocol}.heartbeat.MessageModel;
import ${wire.protocol}.heartbeat.ProducerData;
import ${wire.protocol}.heartbeat.SubscriptionData;
import ${wire.protocol}.route.BrokerData;
import ${wire.protocol}.route.QueueData;
import ${wire.protocol}.route.TopicRouteData;
import ${wire.subscription}.SubscriptionGroupConfig;

/** Bodies as the client and broker encode them. Each set and map whose order is not fixed by its class has one entry or sorted keys. */
final class Bodies {
    private final Fixtures fixtures;

    Bodies(Fixtures fixtures) {
        this.fixtures = fixtures;
    }

    void write() throws Exception {
        body("heartbeat-data", "HeartbeatData", heartbeat().encode());
        body("data-version", "DataVersion", dataVersion().encode());
        body("register-broker-body", "RegisterBrokerBody", registerBroker().encode(false));
        // Deflated by the JDK's zlib, whose output may differ from machine to machine.
        fixtures.add("body-register-broker-body-compressed.bin", "RegisterBrokerBody", registerBroker().encode(true), false, null);
        body("topic-config-wrapper", "TopicConfigSerializeWrapper", registerBroker().getTopicConfigSerializeWrapper().encode());
        body("topic-route-data", "TopicRouteData", route().encode());
        body("cluster-info", "ClusterInfo", clusterInfo().encode());
        body("subscription-group-wrapper", "SubscriptionGroupWrapper", groups().encode());
        body("topic-list", "TopicList", topicList().encode());
        body("group-list", "GroupList", groupList().encode());
        body("kv-table", "KVTable", kvTable().encode());
        body("consumer-id-list", "GetConsumerListByGroupResponseBody", consumerIds().encode());
        body("lock-batch-request", "LockBatchRequestBody", lockRequest().encode());
        body("lock-batch-response", "LockBatchResponseBody", lockResponse().encode());
        body("consumer-connection", "ConsumerConnection", consumerConnection().encode());
        body("producer-connection", "ProducerConnection", producerConnection().encode());
        body("topic-stats-table", "TopicStatsTable", topicStats().encode());
        body("consume-stats", "ConsumeStats", consumeStats().encode());
        body("reset-offset-body", "ResetOffsetBody", resetOffset().encode());
        body("get-consumer-status-body", "GetConsumerStatusBody", consumerStatus().encode());
        body("consumer-running-info", "ConsumerRunningInfo", runningInfo().encode());
        body("consume-message-directly-result", "ConsumeMessageDirectlyResult", directly().encode());
    }

    private void body(String name, String kind, byte[] bytes) throws Exception {
        fixtures.add("body-" + name + ".bin", kind, bytes, null);
    }

    static HeartbeatData heartbeat() {
        HeartbeatData data = new HeartbeatData();
        data.setClientID("10.0.0.1@1#2");
        ProducerData producer = new ProducerData();
        producer.setGroupName("producer-group");
        data.getProducerDataSet().add(producer);
        ConsumerData consumer = new ConsumerData();
        consumer.setGroupName("group");
        consumer.setConsumeType(ConsumeType.CONSUME_PASSIVELY);
        consumer.setMessageModel(MessageModel.CLUSTERING);
        consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET);
        consumer.getSubscriptionDataSet().add(subscription("TopicTest", "TagA || TagB"));
        data.getConsumerDataSet().add(consumer);
        return data;
    }

    private static SubscriptionData subscription(String topic, String expression) {
        try {
            SubscriptionData data = FilterAPI.buildSubscriptionData(topic, expression);
            data.setSubVersion(1_700_000_000_000L);
            return data;
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
    }

    static DataVersion dataVersion() {
        DataVersion version = new DataVersion();
        version.setTimestamp(1_700_000_000_000L);
        version.setCounter(new AtomicLong(7));
        return version;
    }

    static RegisterBrokerBody registerBroker() {
        ConcurrentHashMap<String, TopicConfig> topics = new ConcurrentHashMap<>();
        TopicConfig topic = new TopicConfig("TopicTest", 8, 4, 6);
        topics.put(topic.getTopicName(), topic);
        TopicConfig order = new TopicConfig("OrderTopic", 1, 1, 4);
        order.setOrder(true);
        order.setTopicSysFlag(1);
        topics.put(order.getTopicName(), order);
        ${wire.topicConfigWrapper} wrapper = new ${wire.topicConfigWrapper}();
        wrapper.setTopicConfigTable(topics);
        wrapper.setDataVersion(dataVersion());
        RegisterBrokerBody body = new RegisterBrokerBody();
        body.setTopicConfigSerializeWrapper(wrapper);
        body.setFilterServerList(new ArrayList<>(List.of("10.0.0.9:1")));
        LineOnly.fix(wrapper);
        return body;
    }

    private static BrokerData brokerData() {
        HashMap<Long, String> addresses = new HashMap<>();
        addresses.put(0L, "10.0.0.2:10911");
        addresses.put(1L, "10.0.0.3:10911");
        return new BrokerData("DefaultCluster", "br\u00f6ker-a", addresses);
    }

    static TopicRouteData route() {
        TopicRouteData route = new TopicRouteData();
        QueueData queues = new QueueData();
        queues.setBrokerName("br\u00f6ker-a");
        queues.setReadQueueNums(8);
        queues.setWriteQueueNums(4);
        queues.setPerm(6);
        route.setQueueDatas(new ArrayList<>(List.of(queues)));
        route.setBrokerDatas(new ArrayList<>(List.of(brokerData())));
        route.setFilterServerTable(new HashMap<>());
        route.setOrderTopicConf("br\u00f6ker-a:8");
        return route;
    }

    private static ClusterInfo clusterInfo() {
        ClusterInfo info = new ClusterInfo();
        HashMap<String, BrokerData> brokers = new HashMap<>();
        brokers.put("br\u00f6ker-a", brokerData());
        info.setBrokerAddrTable(brokers);
        HashMap<String, java.util.Set<String>> clusters = new HashMap<>();
        clusters.put("DefaultCluster", new HashSet<>(List.of("br\u00f6ker-a")));
        info.setClusterAddrTable(clusters);
        return info;
    }

    private static SubscriptionGroupWrapper groups() {
        SubscriptionGroupConfig group = new SubscriptionGroupConfig();
        group.setGroupName("group");
        group.setRetryMaxTimes(5);
        ConcurrentHashMap<String, SubscriptionGroupConfig> table = new ConcurrentHashMap<>();
        table.put(group.getGroupName(), group);
        SubscriptionGroupWrapper wrapper = new SubscriptionGroupWrapper();
        wrapper.setSubscriptionGroupTable(table);
        wrapper.setDataVersion(dataVersion());
        return wrapper;
    }

    private static TopicList topicList() {
        TopicList list = new TopicList();
        list.setTopicList(new HashSet<>(Arrays.asList("TopicTest", "%RETRY%group", "TBW102")));
        list.setBrokerAddr("10.0.0.2:10911");
        return list;
    }

    private static GroupList groupList() {
        GroupList list = new GroupList();
        list.setGroupList(new HashSet<>(Arrays.asList("group", "other")));
        return list;
    }

    private static KVTable kvTable() {
        KVTable table = new KVTable();
        HashMap<String, String> entries = new HashMap<>();
        entries.put("OrderTopic", "broker-a:8;broker-b:8");
        entries.put("text", Texts.REMARK);
        table.setTable(entries);
        return table;
    }

    private static GetConsumerListByGroupResponseBody consumerIds() {
        GetConsumerListByGroupResponseBody body = new GetConsumerListByGroupResponseBody();
        body.setConsumerIdList(List.of("10.0.0.1@1#2", "10.0.0.1@3#4"));
        return body;
    }

    private static MessageQueue queue(int id) {
        return new MessageQueue("TopicTest", "br\u00f6ker-a", id);
    }

    private static LockBatchRequestBody lockRequest() {
        LockBatchRequestBody body = new LockBatchRequestBody();
        body.setConsumerGroup("group");
        body.setClientId("10.0.0.1@1#2");
        body.setMqSet(new HashSet<>(Arrays.asList(queue(0), queue(1))));
        return body;
    }

    private static LockBatchResponseBody lockResponse() {
        LockBatchResponseBody body = new LockBatchResponseBody();
        body.setLockOKMQSet(new HashSet<>(Arrays.asList(queue(0), queue(1))));
        return body;
    }

    private static Connection connection() {
        Connection connection = new Connection();
        connection.setClientId("10.0.0.1@1#2");
        connection.setClientAddr("10.0.0.1:54321");
        connection.setLanguage(LanguageCode.JAVA);
        connection.setVersion(409);
        return connection;
    }

    private static ConsumerConnection consumerConnection() {
        ConsumerConnection body = new ConsumerConnection();
        body.setConnectionSet(new HashSet<>(List.of(connection())));
        body.setConsumeType(ConsumeType.CONSUME_PASSIVELY);
        body.setMessageModel(MessageModel.BROADCASTING);
        body.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET);
        ConcurrentHashMap<String, SubscriptionData> table = new ConcurrentHashMap<>();
        table.put("TopicTest", subscription("TopicTest", "*"));
        body.setSubscriptionTable(table);
        return body;
    }

    private static ProducerConnection producerConnection() {
        ProducerConnection body = new ProducerConnection();
        body.setConnectionSet(new HashSet<>(List.of(connection())));
        return body;
    }

    private static TopicStatsTable topicStats() {
        TopicStatsTable body = new TopicStatsTable();
        for (int id = 0; id < 2; id++) {
            TopicOffset offset = new TopicOffset();
            offset.setMinOffset(id);
            offset.setMaxOffset(5_000_000_000L + id);
            offset.setLastUpdateTimestamp(1_700_000_000_000L + id);
            body.getOffsetTable().put(queue(id), offset);
        }
        return body;
    }

    private static ConsumeStats consumeStats() {
        ConsumeStats body = new ConsumeStats();
        body.setConsumeTps(12.5);
        for (int id = 0; id < 2; id++) {
            OffsetWrapper offset = new OffsetWrapper();
            offset.setBrokerOffset(5_000_000_000L + id);
            offset.setConsumerOffset(4_000_000_000L + id);
            offset.setLastTimestamp(1_700_000_000_000L + id);
            body.getOffsetTable().put(queue(id), offset);
        }
        return body;
    }

    private static HashMap<MessageQueue, Long> offsets() {
        HashMap<MessageQueue, Long> table = new HashMap<>();
        table.put(queue(0), 42L);
        table.put(queue(1), 5_000_000_000L);
        return table;
    }

    private static ResetOffsetBody resetOffset() {
        ResetOffsetBody body = new ResetOffsetBody();
        body.setOffsetTable(offsets());
        return body;
    }

    private static GetConsumerStatusBody consumerStatus() {
        GetConsumerStatusBody body = new GetConsumerStatusBody();
        body.setMessageQueueTable(offsets());
        HashMap<String, java.util.Map<MessageQueue, Long>> consumers = new HashMap<>();
        consumers.put("10.0.0.1@1#2", new HashMap<>(offsets()));
        body.setConsumerTable(consumers);
        return body;
    }

    private static ConsumerRunningInfo runningInfo() {
        ConsumerRunningInfo info = new ConsumerRunningInfo();
        Properties properties = new Properties();
        properties.put(ConsumerRunningInfo.PROP_NAMESERVER_ADDR, "10.0.0.5:9876");
        info.setProperties(properties);
        TreeSet<SubscriptionData> subscriptions = new TreeSet<>();
        subscriptions.add(subscription("TopicTest", "TagA"));
        info.setSubscriptionSet(subscriptions);
        TreeMap<MessageQueue, ProcessQueueInfo> queues = new TreeMap<>();
        for (int id = 0; id < 2; id++) {
            ProcessQueueInfo queueInfo = new ProcessQueueInfo();
            queueInfo.setCommitOffset(5_000_000_000L + id);
            queueInfo.setCachedMsgCount(3);
            queueInfo.setLocked(id == 1);
            queueInfo.setLastPullTimestamp(1_700_000_000_000L);
            queueInfo.setLastConsumeTimestamp(1_700_000_000_001L);
            queues.put(queue(id), queueInfo);
        }
        info.setMqTable(queues);
        TreeMap<String, ConsumeStatus> statuses = new TreeMap<>();
        ConsumeStatus status = new ConsumeStatus();
        status.setPullRT(1.5);
        status.setConsumeOKTPS(2.25);
        status.setConsumeFailedMsgs(3);
        statuses.put("TopicTest", status);
        info.setStatusTable(statuses);
        return info;
    }

    private static ConsumeMessageDirectlyResult directly() {
        ConsumeMessageDirectlyResult result = new ConsumeMessageDirectlyResult();
        result.setConsumeResult(CMResult.CR_LATER);
        result.setRemark("later");
        result.setSpentTimeMills(12);
        return result;
    }
}
