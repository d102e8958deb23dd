package dev.hyaline.spark;

import java.io.IOException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.jspecify.annotations.Nullable;
import scala.Tuple2;

/** Hadoop's file systems, as Spark is configured for them. */
final class Hadoop {
    private static final String PREFIX = "spark.hadoop.";

    private Hadoop() {}

    /** The configuration, on an executor as on the driver, also before that has a context. */
    static Configuration configuration() {
        Configuration configuration = new Configuration();
        @Nullable SparkEnv spark = SparkEnv.get();
        SparkConf settings = spark == null ? new SparkConf() : spark.conf();
        for (Tuple2<String, String> setting : settings.getAllWithPrefix(PREFIX)) {
            configuration.set(setting._1(), setting._2());
        }
        return configuration;
    }

    /** The file system of a path. */
    static FileSystem of(Path path) throws IOException {
        return path.getFileSystem(configuration());
    }
}
