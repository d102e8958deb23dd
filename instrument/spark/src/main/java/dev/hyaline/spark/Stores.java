package dev.hyaline.spark;

import dev.hyaline.engine.error.FileException;
import dev.hyaline.instrument.dump.PartStore;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.apache.spark.SparkFiles;

/** The folders of dumps: those that the machines share, by their plain names, and Hadoop's. */
final class Stores {
    private static final Pattern SCHEME = Pattern.compile("[A-Za-z][A-Za-z0-9+.-]+:/.*");

    private Stores() {}

    /** Returns whether a name has a scheme, as {@code s3a://bucket/dump} has. */
    static boolean isHadoops(String out) {
        return SCHEME.matcher(out).matches();
    }

    /**
     * The folder of a dump.
     *
     * @param scratch a folder of this machine
     * @throws FileException if Hadoop cannot reach it
     */
    static PartStore of(String out, Path scratch) {
        if (!isHadoops(out)) {
            return PartStore.of(Path.of(out));
        }
        try {
            return new HadoopStore(out, Files.createDirectories(scratch));
        } catch (IOException e) {
            throw FileException.writing(out, e);
        } catch (RuntimeException e) {
            throw FileException.writing(out, new IOException(e)); // as where the classes of s3a are not there
        }
    }

    /** The same in a task. What is written before it is published lies where Spark removes it with the executor. */
    static PartStore ofTask(String out) {
        return of(out, Path.of(SparkFiles.getRootDirectory()).resolve("hyaline-scratch"));
    }
}
