package rocknest.golden;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.apache.rocketmq.remoting.CommandCustomHeader;
import org.apache.rocketmq.remoting.protocol.LanguageCode;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;
import org.apache.rocketmq.remoting.protocol.SerializeType;
import ${wire.protocol}.RequestCode;
import ${wire.protocol}.ResponseCode;
import ${wire.protocol}.header.CheckTransactionStateRequestHeader;
import ${wire.protocol}.header.ConsumerSendMsgBackRequestHeader;
import ${wire.protocol}.header.CreateTopicRequestHeader;
import ${wire.protocol}.header.EndTransactionRequestHeader;
import ${wire.protocol}.header.GetConsumerListByGroupRequestHeader;
import ${wire.protocol}.header.GetMaxOffsetRequestHeader;
import ${wire.protocol}.header.GetMaxOffsetResponseHeader;
import ${wire.protocol}.header.NotifyConsumerIdsChangedRequestHeader;
import ${wire.protocol}.header.PullMessageRequestHeader;
import ${wire.protocol}.header.PullMessageResponseHeader;
import ${wire.protocol}.header.QueryConsumerOffsetRequestHeader;
import ${wire.protocol}.header.SearchOffsetRequestHeader;
import ${wire.protocol}.header.SendMessageRequestHeader;
import ${wire.protocol}.header.SendMessageRequestHeaderV2;
import ${wire.protocol}.header.SendMessageResponseHeader;
import ${wire.protocol}.header.UnregisterClientRequestHeader;
import ${wire.protocol}.header.UpdateConsumerOffsetRequestHeader;
import ${wire.protocol}.header.namesrv.GetRouteInfoRequestHeader;
import ${wire.protocol}.header.namesrv.QueryDataVersionRequestHeader;
import ${wire.protocol}.header.namesrv.RegisterBrokerRequestHeader;
import ${wire.protocol}.header.namesrv.RegisterBrokerResponseHeader;
import ${wire.protocol}.header.namesrv.UnRegisterBrokerRequestHeader;

/** Whole frames, each with both serialisations of its header. */
final class Frames {
    private static final byte[] BODY = "h\u00e9llo \ud83d\ude00".getBytes(StandardCharsets.UTF_8);

    private final Fixtures fixtures;
    private int opaque = 1000;

    Frames(Fixtures fixtures) {
        this.fixtures = fixtures;
    }

    void write() throws Exception {
        request("send-message", RequestCode.SEND_MESSAGE, send("TopicTest", Texts.PLAIN), BODY);
        request("send-message-v2", RequestCode.SEND_MESSAGE_V2, v2(send("TopicTest", Texts.PLAIN)), BODY);
        request("send-message-v2-odd-text", RequestCode.SEND_MESSAGE_V2, v2(send("TopicTest", Texts.ODD)), BODY);
        SendMessageRequestHeader batch = send("TopicTest", Texts.PLAIN);
        batch.setBatch(true);
        request("send-batch-message", RequestCode.SEND_BATCH_MESSAGE, v2(batch), BODY);
        SendMessageRequestHeader retry = send("%RETRY%group", Texts.PLAIN);
        retry.setReconsumeTimes(3);
        retry.setMaxReconsumeTimes(16);
        retry.setQueueId(-1);
        request("send-message-v2-retry", RequestCode.SEND_MESSAGE_V2, v2(retry), BODY);
        response("send-message-response", ResponseCode.SUCCESS, null, sent(), null, command -> {
            command.addExtField("MSG_REGION", "DefaultRegion");
            command.addExtField("TRACE_ON", "true");
        });
        consumerFrames();
        namesrvFrames();
        oneway("notify-consumer-ids-changed", RequestCode.NOTIFY_CONSUMER_IDS_CHANGED, idsChanged(), null);
        oneway("end-transaction", RequestCode.END_TRANSACTION, endTransaction(), null);
        oneway("check-transaction-state", RequestCode.CHECK_TRANSACTION_STATE, checkTransaction(), BODY);
        request("update-and-create-topic", RequestCode.UPDATE_AND_CREATE_TOPIC, createTopic(), null);
        request("heart-beat", RequestCode.HEART_BEAT, null, Bodies.heartbeat().encode());
        response("error-response", ResponseCode.SYSTEM_ERROR, Texts.REMARK, null, null, command -> { });
        response("empty-response", ResponseCode.SUCCESS, null, null, null, command -> { });
    }

    private void consumerFrames() throws Exception {
        PullMessageRequestHeader pull = new PullMessageRequestHeader();
        pull.setConsumerGroup("group");
        pull.setTopic("TopicTest");
        pull.setQueueId(3);
        pull.setQueueOffset(9_007_199_254_740_991L);
        pull.setMaxMsgNums(32);
        pull.setSysFlag(7);
        pull.setCommitOffset(5_000_000_000L);
        pull.setSuspendTimeoutMillis(15_000L);
        pull.setSubscription("TagA || TagB");
        pull.setSubVersion(1_700_000_000_000L);
        pull.setExpressionType("TAG");
        request("pull-message", RequestCode.PULL_MESSAGE, pull, null);

        PullMessageResponseHeader pulled = new PullMessageResponseHeader();
        pulled.setSuggestWhichBrokerId(0L);
        pulled.setNextBeginOffset(32L);
        pulled.setMinOffset(0L);
        pulled.setMaxOffset(5_000_000_000L);
        response("pull-message-response", ResponseCode.SUCCESS, "FOUND", pulled, BODY, command -> { });
        response("pull-message-not-found", ResponseCode.PULL_NOT_FOUND, "OFFSET_OVERFLOW_ONE", pulled, null, command -> { });

        QueryConsumerOffsetRequestHeader query = new QueryConsumerOffsetRequestHeader();
        query.setConsumerGroup("group");
        query.setTopic("TopicTest");
        query.setQueueId(3);
        request("query-consumer-offset", RequestCode.QUERY_CONSUMER_OFFSET, query, null);

        UpdateConsumerOffsetRequestHeader update = new UpdateConsumerOffsetRequestHeader();
        update.setConsumerGroup("group");
        update.setTopic("TopicTest");
        update.setQueueId(3);
        update.setCommitOffset(32L);
        oneway("update-consumer-offset", RequestCode.UPDATE_CONSUMER_OFFSET, update, null);

        ConsumerSendMsgBackRequestHeader back = new ConsumerSendMsgBackRequestHeader();
        back.setOffset(1_234_567_890_123L);
        back.setGroup("group");
        back.setDelayLevel(0);
        back.setOriginMsgId(Texts.UNIQ_KEY);
        back.setOriginTopic("TopicTest");
        back.setMaxReconsumeTimes(16);
        request("consumer-send-msg-back", RequestCode.CONSUMER_SEND_MSG_BACK, back, null);

        GetConsumerListByGroupRequestHeader members = new GetConsumerListByGroupRequestHeader();
        members.setConsumerGroup("group");
        request("get-consumer-list-by-group", RequestCode.GET_CONSUMER_LIST_BY_GROUP, members, null);

        GetMaxOffsetRequestHeader max = new GetMaxOffsetRequestHeader();
        max.setTopic("TopicTest");
        max.setQueueId(3);
        request("get-max-offset", RequestCode.GET_MAX_OFFSET, max, null);
        GetMaxOffsetResponseHeader end = new GetMaxOffsetResponseHeader();
        end.setOffset(42L);
        response("get-max-offset-response", ResponseCode.SUCCESS, null, end, null, command -> { });

        SearchOffsetRequestHeader search = new SearchOffsetRequestHeader();
        search.setTopic("TopicTest");
        search.setQueueId(3);
        search.setTimestamp(1_700_000_000_000L);
        request("search-offset-by-timestamp", RequestCode.SEARCH_OFFSET_BY_TIMESTAMP, search, null);

        UnregisterClientRequestHeader leave = new UnregisterClientRequestHeader();
        leave.setClientID("10.0.0.1@1#2");
        leave.setConsumerGroup("group");
        request("unregister-client", RequestCode.UNREGISTER_CLIENT, leave, null);
    }

    private void namesrvFrames() throws Exception {
        GetRouteInfoRequestHeader route = new GetRouteInfoRequestHeader();
        route.setTopic("TopicTest");
        request("get-routeinfo-by-topic", RequestCode.GET_ROUTEINFO_BY_TOPIC, route, null);

        RegisterBrokerRequestHeader register = new RegisterBrokerRequestHeader();
        register.setBrokerName("broker-a");
        register.setBrokerAddr("10.0.0.2:10911");
        register.setClusterName("DefaultCluster");
        register.setHaServerAddr("10.0.0.2:10912");
        register.setBrokerId(0L);
        register.setBodyCrc32(123_456_789);
        request("register-broker", RequestCode.REGISTER_BROKER, register, Bodies.registerBroker().encode(false));

        RegisterBrokerResponseHeader registered = new RegisterBrokerResponseHeader();
        registered.setMasterAddr("10.0.0.2:10911");
        registered.setHaServerAddr("10.0.0.2:10912");
        response("register-broker-response", ResponseCode.SUCCESS, null, registered, null, command -> { });

        UnRegisterBrokerRequestHeader unregister = new UnRegisterBrokerRequestHeader();
        unregister.setBrokerName("broker-a");
        unregister.setBrokerAddr("10.0.0.2:10911");
        unregister.setClusterName("DefaultCluster");
        unregister.setBrokerId(1L);
        request("unregister-broker", RequestCode.UNREGISTER_BROKER, unregister, null);

        QueryDataVersionRequestHeader version = new QueryDataVersionRequestHeader();
        version.setBrokerName("broker-a");
        version.setBrokerAddr("10.0.0.2:10911");
        version.setClusterName("DefaultCluster");
        version.setBrokerId(0L);
        request("query-data-version", RequestCode.QUERY_DATA_VERSION, version, Bodies.dataVersion().encode());
    }

    private static SendMessageRequestHeader send(String topic, String properties) {
        SendMessageRequestHeader header = new SendMessageRequestHeader();
        header.setProducerGroup("producer-group");
        header.setTopic(topic);
        header.setDefaultTopic("TBW102");
        header.setDefaultTopicQueueNums(4);
        header.setQueueId(3);
        header.setSysFlag(0);
        header.setBornTimestamp(1_700_000_000_123L);
        header.setFlag(7);
        header.setProperties(properties);
        header.setReconsumeTimes(0);
        header.setUnitMode(false);
        header.setBatch(false);
        return header;
    }

    private static CommandCustomHeader v2(SendMessageRequestHeader header) {
        return SendMessageRequestHeaderV2.createSendMessageRequestHeaderV2(header);
    }

    private static SendMessageResponseHeader sent() {
        SendMessageResponseHeader header = new SendMessageResponseHeader();
        header.setMsgId("0A00000200002A9F0000011F71FB04CB");
        header.setQueueId(3);
        header.setQueueOffset(5_000_000_000L);
        header.setTransactionId(Texts.UNIQ_KEY);
        return header;
    }

    private static NotifyConsumerIdsChangedRequestHeader idsChanged() {
        NotifyConsumerIdsChangedRequestHeader header = new NotifyConsumerIdsChangedRequestHeader();
        header.setConsumerGroup("group");
        return header;
    }

    private static EndTransactionRequestHeader endTransaction() {
        EndTransactionRequestHeader header = new EndTransactionRequestHeader();
        header.setProducerGroup("producer-group");
        header.setTranStateTableOffset(17L);
        header.setCommitLogOffset(1_234_567_890_123L);
        header.setCommitOrRollback(8);
        header.setFromTransactionCheck(true);
        header.setMsgId(Texts.UNIQ_KEY);
        header.setTransactionId(Texts.UNIQ_KEY);
        return header;
    }

    private static CheckTransactionStateRequestHeader checkTransaction() {
        CheckTransactionStateRequestHeader header = new CheckTransactionStateRequestHeader();
        header.setTranStateTableOffset(17L);
        header.setCommitLogOffset(1_234_567_890_123L);
        header.setMsgId(Texts.UNIQ_KEY);
        header.setTransactionId(Texts.UNIQ_KEY);
        header.setOffsetMsgId("0A00000200002A9F0000011F71FB04CB");
        return header;
    }

    private static CreateTopicRequestHeader createTopic() {
        CreateTopicRequestHeader header = new CreateTopicRequestHeader();
        header.setTopic("TopicTest");
        header.setDefaultTopic("TBW102");
        header.setReadQueueNums(8);
        header.setWriteQueueNums(8);
        header.setPerm(6);
        header.setTopicFilterType("SINGLE_TAG");
        header.setTopicSysFlag(0);
        header.setOrder(false);
        return header;
    }

    private void request(String name, int code, CommandCustomHeader header, byte[] body) throws Exception {
        both(name, RemotingCommand.createRequestCommand(code, header), body);
    }

    private void oneway(String name, int code, CommandCustomHeader header, byte[] body) throws Exception {
        RemotingCommand command = RemotingCommand.createRequestCommand(code, header);
        command.markOnewayRPC();
        both(name, command, body);
    }

    private void response(String name, int code, String remark, CommandCustomHeader header, byte[] body,
        Consumer<RemotingCommand> change) throws Exception {
        RemotingCommand command = RemotingCommand.createResponseCommand(code, remark);
        command.writeCustomHeader(header);
        command.markResponseType();
        change.accept(command);
        both(name, command, body);
    }

    private void both(String name, RemotingCommand command, byte[] body) throws IOException {
        command.setLanguage(LanguageCode.JAVA);
        command.setBody(body);
        // int32 beyond 2^31 / 2 and a negative one, so that signs are seen.
        command.setOpaque(opaque++ % 2 == 0 ? Integer.MAX_VALUE - opaque : -opaque);
        HashMap<String, String> own = command.getExtFields();
        for (SerializeType type : SerializeType.values()) {
            command.setExtFields(own == null ? null : new HashMap<>(own));
            command.setSerializeTypeCurrentRPC(type);
            byte[] frame = encode(command, body);
            command.setExtFields(own == null ? null : new HashMap<>(own));
            command.makeCustomHeaderToNet();
            Map<String, String> fields = command.getExtFields() == null ? null : new TreeMap<>(command.getExtFields());
            String form = type == SerializeType.JSON ? "json" : "compact";
            fixtures.add("frame-" + name + "." + form + ".bin", "frame", frame, Fixtures.map(
                "serializeType", (int) type.getCode(), "code", command.getCode(), "opaque", command.getOpaque(),
                "flag", command.getFlag(), "version", command.getVersion(), "language", command.getLanguage().name(),
                "remark", command.getRemark(), "extFields", fields, "bodyHex", body == null ? "" : Texts.hex(body)));
        }
    }

    /** The way netty's encoder does it. */
    private static byte[] encode(RemotingCommand command, byte[] body) {
        ByteBuf out = Unpooled.buffer();
        command.fastEncodeHeader(out);
        if (body != null) {
            out.writeBytes(body);
        }
        byte[] bytes = new byte[out.readableBytes()];
        out.readBytes(bytes);
        return bytes;
    }
}
