package rocknest.interop;

import java.io.IOException;
import java.util.concurrent.CountDownLatch;

/** The parent process closes standard input to say stop; a parent that died says the same. */
final class Stdin {
    static CountDownLatch closed() {
        CountDownLatch latch = new CountDownLatch(1);
        Thread reader = new Thread(() -> {
            try {
                while (System.in.read() != -1) {
                    // what the parent writes means nothing here
                }
            } catch (IOException error) {
                // the same as closed
            }
            latch.countDown();
        }, "stdin");
        reader.setDaemon(true);
        reader.start();
        return latch;
    }

    private Stdin() {
    }
}
