package rocknest.interop;

import org.apache.rocketmq.client.ClientConfig;
import org.apache.rocketmq.client.consumer.DefaultMQPushConsumer;
import org.apache.rocketmq.client.consumer.MessageSelector;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.consumer.ConsumeFromWhere;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** The official clients, with the settings that every command shares. */
final class Clients {
    /** Long enough for a machine of two cores that runs everything at once. */
    private static final int SEND_TIMEOUT_MS = 30_000;
    /** For routes and other short calls; the client's 3 s are over before the classes of a JVM are loaded there. */
    private static final int CALL_TIMEOUT_MS = 30_000;

    /**
     * A heartbeat is skipped where another thread sends one, and a broker that comes back knows no members: until the next, 30 s later by default, it
     * refuses the pulls.
     */
    private static final int HEARTBEAT_INTERVAL_MS = 1_000;

    static DefaultMQProducer producer(Arguments arguments) {
        DefaultMQProducer producer = new DefaultMQProducer(arguments.text("producer-group", "PID_interop"));
        producer.setNamesrvAddr(arguments.text("namesrv"));
        producer.setInstanceName("producer-" + System.nanoTime());
        producer.setMqClientApiTimeout(CALL_TIMEOUT_MS);
        producer.setSendMsgTimeout(arguments.number("send-timeout-ms", SEND_TIMEOUT_MS));
        producer.setRetryTimesWhenSendFailed(arguments.number("retries", 2));
        lookForRoutes(producer, arguments);
        return producer;
    }

    static DefaultMQPushConsumer consumer(Arguments arguments, String group, int member) throws Exception {
        return consumer(arguments, arguments, group, member);
    }

    /** {@code common} names the namesrv, {@code arguments} what is consumed. */
    static DefaultMQPushConsumer consumer(Arguments common, Arguments arguments, String group, int member) throws Exception {
        DefaultMQPushConsumer consumer = new DefaultMQPushConsumer(group);
        consumer.setNamesrvAddr(common.text("namesrv"));
        consumer.setInstanceName("consumer-" + member + "-" + System.nanoTime());
        consumer.setMqClientApiTimeout(CALL_TIMEOUT_MS);
        consumer.setHeartbeatBrokerInterval(HEARTBEAT_INTERVAL_MS);
        lookForRoutes(consumer, common);
        // Before the subscription, which is made with it.
        putIntoNamespace(consumer, arguments);
        startFrom(consumer, arguments);
        // By reflection: clients of 4.x have no such setting.
        if (arguments.flag("broker-rebalance")) consumer.getClass().getMethod("setClientRebalance", boolean.class).invoke(consumer, false);
        String sql = arguments.text("sql", "");
        if (sql.isEmpty()) consumer.subscribe(arguments.text("topic"), arguments.text("expression", "*"));
        else consumer.subscribe(arguments.text("topic"), MessageSelector.bySql(sql));
        return consumer;
    }

    /** {@code poll-namesrv-ms}: how often, after 30 s where it is not given. */
    private static void lookForRoutes(ClientConfig client, Arguments arguments) {
        client.setPollNameServerInterval(arguments.number("poll-namesrv-ms", client.getPollNameServerInterval()));
    }

    /** {@code namespace}: of the names. {@code namespace-v2}: of the header, which clients of 4.x have not. */
    static void putIntoNamespace(ClientConfig client, Arguments arguments) throws Exception {
        String namespace = arguments.text("namespace", "");
        if (!namespace.isEmpty()) client.setNamespace(namespace);
        String inHeader = arguments.text("namespace-v2", "");
        if (!inHeader.isEmpty()) ClientConfig.class.getMethod("setNamespaceV2", String.class).invoke(client, inHeader);
    }

    private static void startFrom(DefaultMQPushConsumer consumer, Arguments arguments) {
        switch (arguments.text("from", "first")) {
            case "first": consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_FIRST_OFFSET); break;
            case "last": consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_LAST_OFFSET); break;
            case "timestamp":
                consumer.setConsumeFromWhere(ConsumeFromWhere.CONSUME_FROM_TIMESTAMP);
                consumer.setConsumeTimestamp(arguments.text("timestamp"));
                break;
            default: throw new IllegalArgumentException("unknown start " + arguments.text("from"));
        }
    }

    static DefaultMQAdminExt admin(Arguments arguments) throws Exception {
        DefaultMQAdminExt admin = new DefaultMQAdminExt();
        admin.setNamesrvAddr(arguments.text("namesrv"));
        admin.setInstanceName("admin-" + System.nanoTime());
        admin.setMqClientApiTimeout(CALL_TIMEOUT_MS);
        admin.start();
        return admin;
    }

    private Clients() {
    }
}
