package rocknest.interop;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.rocketmq.common.message.MessageExt;

/** What the lab tells of messages that its consumers got. */
final class Delivered {
    static List<Object> tell(List<MessageExt> messages) {
        List<Object> told = new ArrayList<>();
        for (MessageExt message : messages) {
            Map<String, Object> fields = new LinkedHashMap<>();
            fields.put("body", new String(message.getBody(), StandardCharsets.UTF_8));
            fields.put("topic", message.getTopic());
            fields.put("queueId", message.getQueueId());
            fields.put("offset", message.getQueueOffset());
            fields.put("reconsumeTimes", message.getReconsumeTimes());
            fields.put("msgId", message.getMsgId());
            told.add(fields);
        }
        return told;
    }

    private Delivered() {
    }
}
