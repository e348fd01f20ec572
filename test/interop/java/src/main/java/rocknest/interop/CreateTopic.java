package rocknest.interop;

import java.lang.reflect.Method;
import java.util.Collections;
import java.util.TreeSet;
import org.apache.rocketmq.client.exception.MQClientException;
import org.apache.rocketmq.client.producer.DefaultMQProducer;
import org.apache.rocketmq.common.TopicConfig;
import org.apache.rocketmq.tools.admin.DefaultMQAdminExt;

/** Creates a topic: {@code --via admin} on every master of the cluster, {@code --via producer} as an application does. */
final class CreateTopic {
    /** How long a route may take to show at the namesrv. */
    private static final int ROUTE_TIMEOUT_MS = 30_000;
    private static final String TEMPLATE_TOPIC = "TBW102";

    static void run(Arguments arguments) throws Exception {
        String topic = arguments.text("topic");
        int queues = arguments.number("queues", 8);
        DefaultMQAdminExt admin = Clients.admin(arguments);
        if ("producer".equals(arguments.text("via", "admin"))) byProducer(arguments, topic, queues);
        else byAdmin(admin, topic, queues);
        reportRoute(admin, topic);
        admin.shutdown();
    }

    private static void reportRoute(DefaultMQAdminExt admin, String topic) throws Exception {
        long deadline = System.currentTimeMillis() + ROUTE_TIMEOUT_MS;
        for (;;) {
            try {
                var route = admin.examineTopicRouteInfo(topic);
                int queues = 0;
                for (var queue : route.getQueueDatas()) queues += queue.getWriteQueueNums();
                Report.event("done").put("topic", topic).put("queues", queues).put("brokers", route.getBrokerDatas().size()).write();
                return;
            } catch (MQClientException error) {
                if (System.currentTimeMillis() > deadline) throw error;
                Thread.sleep(50);
            }
        }
    }

    private static void byAdmin(DefaultMQAdminExt admin, String topic, int queues) throws Exception {
        TreeSet<String> masters = new TreeSet<>();
        for (var broker : admin.examineBrokerClusterInfo().getBrokerAddrTable().values()) {
            masters.add(broker.getBrokerAddrs().get(0L));
        }
        for (String master : masters) admin.createAndUpdateTopicConfig(master, new TopicConfig(topic, queues, queues, 6));
    }

    /** 4.x declares createTopic(key, topic, queues), 5.x adds a map of attributes. */
    private static void byProducer(Arguments arguments, String topic, int queues) throws Exception {
        DefaultMQProducer producer = Clients.producer(arguments);
        producer.start();
        try {
            for (Method method : DefaultMQProducer.class.getMethods()) {
                if (!method.getName().equals("createTopic")) continue;
                Class<?>[] types = method.getParameterTypes();
                if (types.length == 3) {
                    method.invoke(producer, TEMPLATE_TOPIC, topic, queues);
                    return;
                }
                if (types.length == 4 && types[3] == java.util.Map.class) {
                    method.invoke(producer, TEMPLATE_TOPIC, topic, queues, Collections.emptyMap());
                    return;
                }
            }
            throw new IllegalStateException("this client has no createTopic");
        } finally {
            producer.shutdown();
        }
    }

    private CreateTopic() {
    }
}
