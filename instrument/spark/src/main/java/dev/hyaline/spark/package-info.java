/**
 * Planned dumps scheduled by Apache Spark: {@link dev.hyaline.spark.SparkDump} is the main class for
 * {@code spark-submit}. Shards and corpora lie in folders that all machines share, or wherever Hadoop reads and writes:
 * HDFS, S3 and others.
 */
@NullMarked
package dev.hyaline.spark;

import org.jspecify.annotations.NullMarked;
