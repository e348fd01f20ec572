package rocknest.golden;

import com.alibaba.fastjson.serializer.SerializerFeature;
import com.alibaba.fastjson.JSON;
import java.nio.charset.StandardCharsets;
import org.apache.rocketmq.common.protocol.body.TopicConfigSerializeWrapper;

/** What only the 4.9 line has. */
final class LineOnly {
    private final Fixtures fixtures;

    LineOnly(Fixtures fixtures) {
        this.fixtures = fixtures;
    }

    static void fix(TopicConfigSerializeWrapper wrapper) {
        // Nothing of this line's wrapper depends on time.
    }

    void write() throws Exception {
        // The namesrv's answer to clients from 4.9.4 on, with the features of its processor.
        String route = JSON.toJSONString(Bodies.route(), SerializerFeature.BrowserCompatible, SerializerFeature.QuoteFieldNames,
            SerializerFeature.SkipTransientField, SerializerFeature.MapSortField);
        fixtures.add("body-topic-route-data-standard.bin", "TopicRouteData", route.getBytes(StandardCharsets.UTF_8), null);
    }
}
