package rocknest.golden;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.rocketmq.common.UtilAll;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageDecoder;
import org.apache.rocketmq.common.message.MessageExt;

/** Records as {@code MessageDecoder.encode} writes them, and batch bodies. */
final class Messages {
    static final byte[] BODY = "h\u00e9llo \ud83d\ude00".getBytes(StandardCharsets.UTF_8);
    private static final int LONG_BODY_BYTES = 5000;

    private final Fixtures fixtures;

    Messages(Fixtures fixtures) {
        this.fixtures = fixtures;
    }

    void write() throws Exception {
        message("v4-hosts", fill(new MessageExt(), BODY, "10.0.0.1", "10.0.0.2"), true);
        message("v6-born-host", fill(new MessageExt(), BODY, "2001:db8::7", "10.0.0.2"), true);
        message("v6-store-host", fill(new MessageExt(), BODY, "10.0.0.1", "fe80::1:2"), true);
        message("v6-hosts", fill(new MessageExt(), BODY, "2001:db8::7", "::1"), true);
        message("empty-body", fill(new MessageExt(), new byte[0], "10.0.0.1", "10.0.0.2"), true);
        MessageExt commit = fill(new MessageExt(), BODY, "10.0.0.1", "10.0.0.2");
        commit.setSysFlag(commit.getSysFlag() | 0x8);
        commit.setPreparedTransactionOffset(1_234_567_890_123L);
        commit.setReconsumeTimes(3);
        message("commit", commit, true);
        MessageExt odd = fill(new MessageExt(), BODY, "10.0.0.1", "10.0.0.2");
        MessageAccess.properties(odd, new HashMap<>(Texts.ODD_MAP));
        message("odd-properties", odd, true);
        MessageExt compressed = fill(new MessageExt(), longBody(), "10.0.0.1", "10.0.0.2");
        compressed.setSysFlag(compressed.getSysFlag() | 0x1);
        message("compressed", compressed, false);
        batch();
    }

    private void batch() throws Exception {
        List<Message> messages = new ArrayList<>();
        List<Object> expected = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            Message message = new Message("TopicTest", "TagA", "key-" + i, i, ("body " + i).getBytes(StandardCharsets.UTF_8), true);
            messages.add(message);
            expected.add(Fixtures.map("flag", i, "bodyHex", Texts.hex(message.getBody()), "properties", new TreeMap<>(message.getProperties())));
        }
        fixtures.add("batch-three.bin", "batch", MessageDecoder.encodeMessages(messages), expected);
    }

    static byte[] longBody() {
        byte[] body = new byte[LONG_BODY_BYTES];
        for (int i = 0; i < body.length; i++) {
            body[i] = (byte) ('a' + i % 26);
        }
        return body;
    }

    /** Sets all that a broker sets. */
    static <T extends MessageExt> T fill(T message, byte[] body, String bornHost, String storeHost) throws Exception {
        message.setTopic("TopicTest");
        message.setBody(body);
        message.setFlag(7);
        MessageAccess.properties(message, new HashMap<>(Texts.PLAIN_MAP));
        message.setBodyCRC(UtilAll.crc32(body));
        message.setQueueId(3);
        message.setQueueOffset(5_000_000_000L);
        message.setCommitLogOffset(1_234_567_890_123L);
        message.setBornTimestamp(1_700_000_000_123L);
        message.setBornHost(new InetSocketAddress(InetAddress.getByName(bornHost), 54321));
        message.setStoreTimestamp(1_700_000_000_456L);
        message.setStoreHost(new InetSocketAddress(InetAddress.getByName(storeHost), 10911));
        if (bornHost.contains(":")) {
            message.setBornHostV6Flag();
        }
        if (storeHost.contains(":")) {
            message.setStoreHostAddressV6Flag();
        }
        return message;
    }

    private void message(String name, MessageExt message, boolean sameBytes) throws Exception {
        fixtures.add("message-" + name + ".bin", "message", MessageDecoder.encode(message, true), sameBytes, expected(message));
    }

    static Map<String, Object> expected(MessageExt message) {
        Map<String, String> properties = new TreeMap<>(message.getProperties());
        properties.values().removeIf(String::isEmpty);
        return Fixtures.map("topic", message.getTopic(), "flag", message.getFlag(), "properties", properties,
            "queueId", message.getQueueId(), "queueOffset", message.getQueueOffset(),
            "physicalOffset", message.getCommitLogOffset(), "sysFlag", message.getSysFlag(),
            "bornTimestamp", message.getBornTimestamp(), "bornHost", host(message.getBornHost()),
            "storeTimestamp", message.getStoreTimestamp(), "storeHost", host(message.getStoreHost()),
            "bodyCrc", message.getBodyCRC(), "reconsumeTimes", message.getReconsumeTimes(),
            "preparedTransactionOffset", message.getPreparedTransactionOffset(), "bodyHex", Texts.hex(message.getBody()),
            "offsetMsgId", MessageDecoder.createMessageId(message.getStoreHost(), message.getCommitLogOffset()));
    }

    private static String host(java.net.SocketAddress address) {
        InetSocketAddress host = (InetSocketAddress) address;
        byte[] bytes = host.getAddress().getAddress();
        return Texts.hex(bytes) + ":" + host.getPort();
    }
}
