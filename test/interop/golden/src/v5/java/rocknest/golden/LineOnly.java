package rocknest.golden;

import com.alibaba.fastjson2.JSONWriter;
import java.nio.ByteBuffer;
import org.apache.rocketmq.client.AccessChannel;
import org.apache.rocketmq.client.trace.TraceType;
import org.apache.rocketmq.common.message.MessageDecoder;
import org.apache.rocketmq.common.message.MessageExtBrokerInner;
import org.apache.rocketmq.common.message.MessageVersion;
import org.apache.rocketmq.remoting.protocol.body.TopicConfigAndMappingSerializeWrapper;
import org.apache.rocketmq.store.MessageExtEncoder;
import org.apache.rocketmq.store.config.MessageStoreConfig;

/** What only the 5.x line has: records as its broker writes them, and the verdicts of its filters. */
final class LineOnly {
    private final Fixtures fixtures;

    LineOnly(Fixtures fixtures) {
        this.fixtures = fixtures;
    }

    /** The wrapper makes a data version of its own, which holds the time. */
    static void fix(TopicConfigAndMappingSerializeWrapper wrapper) {
        wrapper.setMappingDataVersion(Bodies.dataVersion());
    }

    void write() throws Exception {
        // The namesrv's answer to clients from 4.9.4 on, with the features of its processor.
        fixtures.add("body-topic-route-data-standard.bin", "TopicRouteData",
            Bodies.route().encode(JSONWriter.Feature.BrowserCompatible, JSONWriter.Feature.MapSortField), null);
        new Filters(fixtures).write();
        // 4.9 lacks the end of each record on this channel.
        new Traces(fixtures).add("sub-after-cloud", Traces.after(AccessChannel.CLOUD));
        new Traces(fixtures).add("recall", Traces.context(TraceType.Recall, Traces.bean(Texts.UNIQ_KEY, null, null)));
        record("v1", "TopicTest", "10.0.0.1", "10.0.0.2");
        record("v1-v6-hosts", "TopicTest", "2001:db8::7", "fe80::1:2");
        record("v2", "%RETRY%" + "g".repeat(130), "10.0.0.1", "10.0.0.2");
        record("v2-v6-hosts", "%RETRY%" + "g".repeat(200), "2001:db8::7", "fe80::1:2");
    }

    private void record(String name, String topic, String bornHost, String storeHost) throws Exception {
        MessageExtBrokerInner message = Messages.fill(new MessageExtBrokerInner(), Messages.BODY, bornHost, storeHost);
        message.setTopic(topic);
        message.setVersion(topic.length() > Byte.MAX_VALUE ? MessageVersion.MESSAGE_VERSION_V2 : MessageVersion.MESSAGE_VERSION_V1);
        message.setPropertiesString(MessageDecoder.messageProperties2String(message.getProperties()));
        MessageExtEncoder encoder = new MessageExtEncoder(new MessageStoreConfig());
        if (encoder.encode(message) != null) {
            throw new IllegalStateException(name);
        }
        ByteBuffer buffer = encoder.getEncoderBuffer();
        // What the commit log fills in when it appends: the offsets and the store time.
        buffer.putLong(20, message.getQueueOffset());
        buffer.putLong(28, message.getCommitLogOffset());
        // The buffer is as large as the largest record; the record says its own size.
        byte[] bytes = new byte[buffer.getInt(0)];
        buffer.get(bytes);
        fixtures.add("record-" + name + ".bin", "message", bytes, Messages.expected(message));
    }
}
