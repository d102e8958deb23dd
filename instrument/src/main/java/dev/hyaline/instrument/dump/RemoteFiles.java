package dev.hyaline.instrument.dump;

import java.io.IOException;
import java.io.InputStream;
import java.util.List;

/**
 * Input files that are not in this machine's file system, such as those of an object store, found as a service. The
 * module {@code hyaline-spark} brings those that Hadoop reads.
 */
public interface RemoteFiles {
    /** Returns whether a name is that of such a file, as {@code s3a://bucket/corpus.jsonl} is. */
    boolean has(String name);

    /**
     * The files that a name stands for, as {@link CorpusFiles#expand} says: the file of that name, those of the folder
     * of that name at any depth whose names do not begin with a dot, or those that match a pattern. Sorted.
     */
    List<String> list(String name) throws IOException;

    /** Size of a file in bytes. */
    long size(String name) throws IOException;

    /** Opens a file. */
    InputStream open(String name) throws IOException;
}
