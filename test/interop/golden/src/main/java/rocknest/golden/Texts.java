package rocknest.golden;

import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.rocketmq.common.message.MessageDecoder;

/** Texts that several fixtures use. */
final class Texts {
    static final String UNIQ_KEY = "0A0000010B2C18B4AAC2000000000001";
    static final String REMARK = "what \"is\" wrong: \\ / \b\f\n\r\t \u0001\u001f\u007f\u0080\u00a0 \u00e9\u6f22 \ud83d\ude00 \u2028\u2029";

    static final Map<String, String> PLAIN_MAP = plainMap();
    static final Map<String, String> ODD_MAP = oddMap();
    static final String PLAIN = MessageDecoder.messageProperties2String(PLAIN_MAP);
    static final String ODD = MessageDecoder.messageProperties2String(ODD_MAP);

    private Texts() {
    }

    private static Map<String, String> plainMap() {
        Map<String, String> map = new LinkedHashMap<>();
        map.put("KEYS", "order-1 order-2");
        map.put("UNIQ_KEY", UNIQ_KEY);
        map.put("WAIT", "true");
        map.put("TAGS", "TagA");
        return map;
    }

    private static Map<String, String> oddMap() {
        Map<String, String> map = new LinkedHashMap<>();
        map.put("TAGS", "t\u00e4g");
        map.put("\u6f22\u5b57", "\ud83d\ude00");
        map.put("quote", "\"\\/\n\u001f\u007f\u0085");
        map.put("empty", "");
        map.put("UNIQ_KEY", UNIQ_KEY);
        return map;
    }

    static String hex(byte[] bytes) {
        StringBuilder out = new StringBuilder();
        for (byte b : bytes) {
            out.append(String.format("%02x", b & 0xff));
        }
        return out.toString();
    }
}
