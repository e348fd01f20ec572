package rocknest.golden;

import java.nio.file.Path;
import org.apache.rocketmq.common.MQVersion;
import org.apache.rocketmq.remoting.protocol.RemotingCommand;

/** {@code Golden <folder> <rocketmq version>}: writes all fixtures into the folder. */
public final class Golden {
    private Golden() {
    }

    public static void main(String[] arguments) throws Exception {
        // As the client sets it; without it commands say version 0.
        System.setProperty(RemotingCommand.REMOTING_VERSION_KEY, Integer.toString(MQVersion.CURRENT_VERSION));
        Fixtures fixtures = new Fixtures(Path.of(arguments[0]));
        new Frames(fixtures).write();
        new Bodies(fixtures).write();
        new Messages(fixtures).write();
        new Values(fixtures).write();
        new Traces(fixtures).write();
        new LineOnly(fixtures).write();
        fixtures.finish(arguments[1]);
    }
}
