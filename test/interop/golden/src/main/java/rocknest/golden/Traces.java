package rocknest.golden;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.apache.rocketmq.client.AccessChannel;
import org.apache.rocketmq.client.producer.LocalTransactionState;
import org.apache.rocketmq.client.trace.TraceBean;
import org.apache.rocketmq.client.trace.TraceContext;
import org.apache.rocketmq.client.trace.TraceDataEncoder;
import org.apache.rocketmq.client.trace.TraceTransferBean;
import org.apache.rocketmq.client.trace.TraceType;
import org.apache.rocketmq.common.message.MessageType;

/** The records of message traces, one file for each kind. */
final class Traces {
    private static final String SECOND_KEY = "0A0000010B2C18B4AAC2000000000002";

    private final Fixtures fixtures;

    Traces(Fixtures fixtures) {
        this.fixtures = fixtures;
    }

    void write() throws Exception {
        TraceContext pub = context(TraceType.Pub, bean(Texts.UNIQ_KEY, "TagA", "order-1 order-2"));
        add("pub", pub);
        TraceContext bare = context(TraceType.Pub, bean(Texts.UNIQ_KEY, null, null));
        bare.setSuccess(false);
        bare.getTraceBeans().get(0).setMsgType(MessageType.Delay_Msg);
        add("pub-bare", bare);
        TraceContext before = context(TraceType.SubBefore, bean(Texts.UNIQ_KEY, "TagA", "order-1"), bean(SECOND_KEY, null, null));
        before.getTraceBeans().get(1).setRetryTimes(3);
        add("sub-before", before);
        add("sub-after", after(AccessChannel.LOCAL));
        TraceContext end = context(TraceType.EndTransaction, bean(Texts.UNIQ_KEY, "TagA", "order-1"));
        TraceBean bean = end.getTraceBeans().get(0);
        bean.setMsgType(MessageType.Trans_msg_Commit);
        bean.setTransactionId(Texts.UNIQ_KEY);
        bean.setTransactionState(LocalTransactionState.UNKNOW);
        bean.setFromTransactionCheck(true);
        add("end-transaction", end);
    }

    static TraceContext after(AccessChannel channel) {
        TraceContext after = context(TraceType.SubAfter, bean(Texts.UNIQ_KEY, "TagA", "order-1"), bean(SECOND_KEY, null, null));
        after.setContextCode(4);
        after.setSuccess(false);
        after.setAccessChannel(channel);
        return after;
    }

    void add(String name, TraceContext context) throws Exception {
        TraceTransferBean transfer = TraceDataEncoder.encoderFromContextBean(context);
        List<String> keys = new ArrayList<>(transfer.getTransKey());
        keys.sort(null);
        fixtures.add("trace-" + name + ".bin", "trace", transfer.getTransData().getBytes(StandardCharsets.UTF_8),
            Fixtures.map("keys", keys));
    }

    static TraceContext context(TraceType type, TraceBean... beans) {
        TraceContext context = new TraceContext();
        context.setTraceType(type);
        context.setTimeStamp(1700000000123L);
        context.setRegionId("DefaultRegion");
        context.setGroupName("group-a");
        context.setCostTime(7);
        context.setSuccess(true);
        context.setRequestId("0A0000010B2C18B4AAC2000000000009");
        context.setTraceBeans(new ArrayList<>(List.of(beans)));
        return context;
    }

    static TraceBean bean(String msgId, String tags, String keys) {
        TraceBean bean = new TraceBean();
        bean.setTopic("TopicTest");
        bean.setMsgId(msgId);
        bean.setOffsetMsgId("0A00000200002A9F0000000000003039");
        bean.setTags(tags);
        bean.setKeys(keys);
        bean.setStoreHost("10.0.0.2:10911");
        bean.setBodyLength(42);
        bean.setMsgType(MessageType.Normal_Msg);
        return bean;
    }
}
