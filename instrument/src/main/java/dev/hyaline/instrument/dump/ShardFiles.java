package dev.hyaline.instrument.dump;

import java.io.IOException;
import java.nio.channels.FileChannel;

/** The files that a {@link ShardWriter} fills. */
interface ShardFiles {
    /** Begins a shard's file, open for reading and writing; closed by whoever completes or gives up the shard. */
    FileChannel begin(String name) throws IOException;

    /** Gives a shard, whose content is durable, its name, and records it. */
    void complete(Shard shard) throws IOException;
}
