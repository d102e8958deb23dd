package dev.hyaline.spark;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.dump.CorpusListener;
import dev.hyaline.instrument.dump.DumpPlan;
import dev.hyaline.instrument.dump.PartStore;
import dev.hyaline.tools.command.PlannedDump;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/** The model of an executor, which all of its tasks share: it is opened once and stays until the executor ends. */
final class ExecutorModel {
    private static @Nullable ExecutorModel current;

    private final String out;
    private final PlannedDump dump;
    private final Gpt2 engine;
    private final AtomicBoolean used = new AtomicBoolean();

    private ExecutorModel(String out, PlannedDump dump, Gpt2 engine) {
        this.out = out;
        this.dump = dump;
        this.engine = engine;
    }

    /**
     * The model of a dump, opened if it is not the present one.
     *
     * @param planSha256 of the dump's plan
     * @throws BadInputException if the plan is another, or cannot be run here
     */
    static synchronized ExecutorModel of(String out, String planSha256, int threads) {
        if (current != null
                && current.out.equals(out)
                && current.dump.plan().sha256().equals(planSha256)) {
            return current;
        }
        if (current != null) {
            current.engine.close();
            current.dump.close();
            current = null;
        }
        PartStore store = Stores.ofTask(out);
        DumpPlan plan = DumpPlan.read(store);
        if (!plan.sha256().equals(planSha256)) {
            throw new BadInputException(
                    store.name(DumpPlan.FILE) + " is not the plan that this run began with: another run replaced it");
        }
        PlannedDump dump = PlannedDump.open(plan, store.name(DumpPlan.FILE), SparkDump.console(false));
        current = new ExecutorModel(out, dump, Gpt2.of(dump.weights(), threads));
        return current;
    }

    /** Returns whether nobody has asked this before. */
    boolean isFirstUse() {
        return used.compareAndSet(false, true);
    }

    /** Writes shards, but those that are done. Any number of threads may at a time. */
    DumpPlan.PartSummary write(DumpPlan.Range shards) {
        PartStore store = Stores.ofTask(out);
        return dump.plan()
                .write(dump.dump(), engine, dump.parser(), dump.provenance(), store, shards, CorpusListener.NONE);
    }
}
