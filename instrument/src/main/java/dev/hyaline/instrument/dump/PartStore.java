package dev.hyaline.instrument.dump;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.OptionalLong;
import java.util.function.Predicate;

/**
 * The folder of a planned dump, as those see it who write its parts: on this machine, or elsewhere. A file appears in
 * it whole. No lock is needed, and none of these steps need be atomic together: whoever writes a shard writes the same
 * bytes. Thread-safe.
 */
public interface PartStore {
    /** A folder of this machine, or one that it shares with others as NFS does. */
    static PartStore of(Path folder) {
        return new PartFolder(folder);
    }

    /** The name of a file, for messages. */
    String name(String file);

    /** The name of the folder, for messages. */
    String name();

    /** A folder of this machine in which shards are written before they are published. */
    Path scratch();

    /** Size of a file in bytes; empty if there is none. */
    OptionalLong size(String file) throws IOException;

    /** Opens a file that is there. */
    InputStream open(String file) throws IOException;

    /**
     * Gives the store a file that was written to {@link #scratch}, whole and durably, in place of one of that name.
     * What was written may be gone afterwards.
     */
    void publish(Path written, String file) throws IOException;

    /**
     * As {@link #publish}, but for a file of that name, which stays.
     *
     * @return whether there was none
     */
    boolean publishNew(Path written, String file) throws IOException;

    /** Removes the files that killed attempts left. */
    void removeAttempts(Predicate<String> isAttempt) throws IOException;
}
