package dev.hyaline.spark;

import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.instrument.dump.DumpPlan;
import dev.hyaline.instrument.dump.PartStore;
import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.spark.SparkEnv;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.function.Function;

/**
 * A task: some shards of a planned dump. Spark may run it again, or twice at a time: it skips what is done, and writes
 * the same bytes.
 *
 * @param out where the dump is
 * @param planSha256 of its plan
 * @param verify whether the shards are compared with their checksums instead of written
 */
record ShardTask(String out, String planSha256, boolean verify)
        implements Function<ShardTask.Shards, ShardTask.Result>, Serializable {
    /** Shards that follow one another, from the first to before the end. */
    record Shards(long first, long end) implements Serializable {}

    /**
     * What came of a task.
     *
     * @param executor that ran it
     * @param found shards that were done before
     * @param seconds that the shards took
     * @param loading seconds that the model took to open, if this task opened it
     * @param peakBytes the most memory that the executor has had resident; 0 where that is not told
     * @param refusal why it cannot be done, on this executor or any other; empty if it was
     */
    record Result(
            String executor,
            long rows,
            long bytes,
            long found,
            long overflowed,
            double seconds,
            double loading,
            long peakBytes,
            String refusal)
            implements Serializable {
        static Result refused(String executor, String refusal) {
            return new Result(executor, 0, 0, 0, 0, 0, 0, 0, refusal);
        }
    }

    @Override
    public Result call(Shards shards) {
        String executor = SparkEnv.get().executorId();
        try {
            DumpPlan.Range range = new DumpPlan.Range(shards.first(), shards.end());
            if (verify) {
                PartStore store = Stores.ofTask(out);
                DumpPlan.read(store).verify(store, range);
                return new Result(executor, 0, 0, 0, 0, 0, 0, peakBytes(), "");
            }
            long begin = System.nanoTime();
            ExecutorModel model =
                    ExecutorModel.of(out, planSha256, TaskContext.get().cpus());
            double loading = model.isFirstUse() ? (System.nanoTime() - begin) / 1e9 : 0;
            long opened = System.nanoTime();
            DumpPlan.PartSummary written = model.write(range);
            return new Result(
                    executor,
                    written.rows(),
                    written.bytes(),
                    written.found(),
                    written.overflowed(),
                    (System.nanoTime() - opened) / 1e9,
                    loading,
                    peakBytes(),
                    "");
        } catch (HyalineException e) {
            if (e.getCause() instanceof IOException || TaskContext.get().isInterrupted()) {
                throw e; // A disk or a network, which may do better the next time: Spark runs the task again.
            }
            return Result.refused(executor, String.valueOf(e.getMessage()));
        }
    }

    /** The most memory that this process has had resident, as Linux tells it. */
    private static long peakBytes() {
        try {
            return Files.readAllLines(Path.of("/proc/self/status")).stream()
                    .filter(line -> line.startsWith("VmHWM:"))
                    .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
                    .findFirst()
                    .orElse(0);
        } catch (IOException e) {
            return 0;
        }
    }
}
