package rocknest.golden;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import org.apache.rocketmq.common.UtilAll;
import org.apache.rocketmq.common.message.MessageDecoder;
import org.apache.rocketmq.common.message.MessageId;
import ${wire.filter}.FilterAPI;
import ${wire.protocol}.heartbeat.SubscriptionData;

/** Ids, hashes and property texts: small values, which stand in the index itself. */
final class Values {
    private final Fixtures fixtures;

    Values(Fixtures fixtures) {
        this.fixtures = fixtures;
    }

    void write() throws Exception {
        List<Object> hashes = new ArrayList<>();
        for (String tag : new String[] {"TagA", "TagB", "Aa", "BB", "", "*", "t\u00e4g", "\ud83d\ude00", "polygenelubricants",
            "a rather long tag, as tags go, with many words in it"}) {
            hashes.add(Fixtures.map("text", tag, "hash", tag.hashCode()));
        }
        fixtures.value("tagHashes", hashes);

        List<Object> ids = new ArrayList<>();
        for (String[] host : new String[][] {{"10.0.0.2", "10911"}, {"255.254.253.252", "65535"}, {"2001:db8::7", "10911"}, {"::1", "80"}}) {
            for (long offset : new long[] {0, 1, 4_294_967_296L, 9_007_199_254_740_991L}) {
                InetSocketAddress address = new InetSocketAddress(InetAddress.getByName(host[0]), Integer.parseInt(host[1]));
                String id = MessageDecoder.createMessageId(address, offset);
                MessageId decoded = MessageDecoder.decodeMessageId(id);
                if (decoded.getOffset() != offset || !decoded.getAddress().equals(address)) {
                    throw new IllegalStateException(id);
                }
                String ip = host[0].contains(":") ? "[" + host[0] + "]" : host[0];
                ids.add(Fixtures.map("address", ip + ":" + host[1], "offset", offset, "id", id));
            }
        }
        fixtures.value("offsetMsgIds", ids);

        fixtures.value("properties", List.of(
            Fixtures.map("text", Texts.PLAIN, "properties", Texts.PLAIN_MAP),
            // A property without a value is written, and not read.
            Fixtures.map("text", Texts.ODD, "properties", MessageDecoder.string2messageProperties(Texts.ODD)),
            Fixtures.map("text", "a\u0002\u0002\u0001b\u0002c\u0001\u0002d\u00012\u0002d\u00013\u0002e\u0001f\u0001g", "properties",
                MessageDecoder.string2messageProperties("a\u0002\u0002\u0001b\u0002c\u0001\u0002d\u00012\u0002d\u00013\u0002e\u0001f\u0001g"))));

        List<Object> crcs = new ArrayList<>();
        for (String text : new String[] {"", "a", "hello", "\u00e9\u6f22", "0123456789".repeat(100)}) {
            crcs.add(Fixtures.map("text", text, "crc", UtilAll.crc32(text.getBytes("UTF-8"))));
        }
        fixtures.value("bodyCrcs", crcs);

        List<Object> subscriptions = new ArrayList<>();
        for (String expression : new String[] {"*", "", "TagA", "TagA || TagB", " a ||b|| ||a", "Aa || BB"}) {
            SubscriptionData data = FilterAPI.buildSubscriptionData("TopicTest", expression);
            List<String> tags = new ArrayList<>(data.getTagsSet());
            List<Integer> codes = new ArrayList<>(data.getCodeSet());
            tags.sort(null);
            codes.sort(null);
            subscriptions.add(Fixtures.map("expression", expression, "subString", data.getSubString(), "tagsSet", tags,
                "codeSet", codes, "expressionType", data.getExpressionType()));
        }
        fixtures.value("subscriptions", subscriptions);
    }
}
