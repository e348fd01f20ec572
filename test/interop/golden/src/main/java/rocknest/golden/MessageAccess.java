package rocknest.golden;

import java.util.Map;
import org.apache.rocketmq.common.message.Message;
import org.apache.rocketmq.common.message.MessageAccessor;

/** Reserved properties can only be set through RocketMQ's own back door. */
final class MessageAccess {
    private MessageAccess() {
    }

    static void properties(Message message, Map<String, String> properties) {
        MessageAccessor.setProperties(message, properties);
    }
}
