package dev.hyaline.instrument.run;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.capture.Capture;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * Partial reruns of a {@link BaseRun}, one for each of many edits. Only the layers and positions that an edit can
 * change are recomputed, from the base run's residual stream, keys and values: an edit of z or {@code result} begins
 * after that attention, one of {@code attn_out} or {@code mlp_out} with the sum, one of the MLP at {@code resid_mid},
 * all others before their attention; and what an edit leaves as it was in the base run is not recomputed at all. Edits
 * go through the layers together in ragged batches, each from the layer on where it begins. The results equal those of
 * full passes with the same interventions, bit for bit.
 *
 * <p>Immutable; each method returns a changed copy.
 */
public final class Rerun {
    private static final int TOKENS_PER_PASS = 1024;

    /** Takes results as they come, which is not the order of the edits. */
    @FunctionalInterface
    public interface Listener {
        /** Called on the thread that runs the edits, once for each. What it throws ends them all. */
        void finished(RerunResult result);
    }

    private final BaseRun run;
    private final List<SequenceEdit> edits;
    private final IntFunction<LogitSelection> logits;
    private final @Nullable Capture reading;
    private final int tokensPerPass;

    Rerun(BaseRun run, List<SequenceEdit> edits) {
        this(run, edits, sequence -> LogitSelection.last(), null, TOKENS_PER_PASS);
    }

    private Rerun(
            BaseRun run,
            List<SequenceEdit> edits,
            IntFunction<LogitSelection> logits,
            @Nullable Capture reading,
            int tokensPerPass) {
        this.run = run;
        this.edits = List.copyOf(edits);
        this.logits = logits;
        this.reading = reading;
        this.tokensPerPass = tokensPerPass;
    }

    /** Chooses the logits to form of every edited sequence; rows are positions. By default all of the last position. */
    public Rerun logits(LogitSelection selection) {
        return logits(sequence -> selection);
    }

    /** Chooses the logits to form of each of the run's sequences; rows are positions. */
    public Rerun logits(IntFunction<LogitSelection> bySequence) {
        return new Rerun(run, edits, bySequence, reading, tokensPerPass);
    }

    /** Also reads what a capture names, as the edits leave it: any point but the logits. */
    public Rerun reading(Capture capture) {
        capture.requireWholePoints("a partial rerun");
        return new Rerun(run, edits, logits, capture, tokensPerPass);
    }

    /**
     * Sets how many tokens go through the model together, by default 1,024. This bounds the memory. A longer sequence
     * goes alone.
     */
    public Rerun tokensPerPass(int tokens) {
        if (tokens < 1) {
            throw new BadInputException("a pass must take at least 1 token, found " + tokens);
        }
        return new Rerun(run, edits, logits, reading, tokens);
    }

    /**
     * All results, in the order of the edits.
     *
     * @throws BadInputException as {@link #forEach}
     */
    public List<RerunResult> results() {
        RerunResult[] results = new RerunResult[edits.size()];
        forEach(result -> results[result.edit()] = result);
        return Arrays.asList(results);
    }

    /**
     * Runs every edit, and passes each result on as soon as it is there.
     *
     * @return the work of all edits together
     * @throws BadInputException before anything runs, if an edit does not fit the model or its sequence
     */
    public MultiplyAdds forEach(Listener listener) {
        return new Execution(listener).run();
    }

    /** Binds every edit, and finds what each can change. */
    private List<PendingRerun> pending() {
        List<PendingRerun> pending = new ArrayList<>(edits.size());
        for (int i = 0; i < edits.size(); i++) {
            SequenceEdit edit = edits.get(i);
            try {
                run.requireSequence(edit.sequence());
                pending.add(PendingRerun.of(run, i, edit, logits.apply(edit.sequence()), reading));
            } catch (BadInputException e) {
                throw new BadInputException("edit " + i + ": " + e.getMessage());
            }
        }
        return pending;
    }

    /** One execution of the reruns. */
    private final class Execution {
        private final Listener listener;
        private final Gpt2Config config = run.config();
        private final Map<Integer, float[]> baseLogits = new HashMap<>();
        private long done;
        /** The part of {@link #done} that the results so far account for. */
        private long reported;

        private long full;

        Execution(Listener listener) {
            this.listener = listener;
        }

        MultiplyAdds run() {
            Queue<PendingRerun> waiting = inOrder();
            while (!waiting.isEmpty() && waiting.element().isUnchanged()) {
                PendingRerun unchanged = waiting.remove();
                report(unchanged, logits(unchanged, new float[0]));
            }
            while (!waiting.isEmpty()) {
                RerunBatch batch =
                        new RerunBatch(run, waiting.element().restart().joins(config));
                do {
                    fill(batch, waiting);
                } while (!waiting.isEmpty() && fits(waiting.element(), batch.rows()));
                batch.finish((rerun, recomputed) -> {
                    done += batch.takeMultiplyAdds();
                    report(rerun, logits(rerun, recomputed));
                });
            }
            return new MultiplyAdds(done, full);
        }

        /** All reruns: those that change nothing, then the others from the earliest restart point to the latest. */
        private Queue<PendingRerun> inOrder() {
            List<PendingRerun> pending = pending();
            pending.forEach(rerun -> full += full(rerun));
            pending.sort(PendingRerun.BY_RESTART); // stable: the order of the edits decides at one point
            return new ArrayDeque<>(pending);
        }

        /** Moves the batch to where the next rerun joins, and adds those that restart with it. */
        private void fill(RerunBatch batch, Queue<PendingRerun> waiting) {
            RestartPoint restart = waiting.element().restart();
            batch.advance(restart.joins(config));
            List<PendingRerun> entering = new ArrayList<>();
            int rows = batch.rows();
            do {
                PendingRerun next = waiting.remove();
                entering.add(next);
                rows += next.rows();
            } while (!waiting.isEmpty()
                    && waiting.element().restart().equals(restart)
                    && fits(waiting.element(), rows));
            batch.enter(restart, entering);
        }

        private boolean fits(PendingRerun rerun, int rows) {
            return rows + rerun.rows() <= tokensPerPass;
        }

        private void report(PendingRerun rerun, float[] logits) {
            MultiplyAdds work = new MultiplyAdds(done - reported, full(rerun));
            reported = done;
            listener.finished(rerun.result(logits, work));
        }

        private long full(PendingRerun rerun) {
            return MultiplyAdds.pass(config, rerun.length(), rerun.positions().length, rerun.columnCount());
        }

        /**
         * All logits of a rerun.
         *
         * @param recomputed those of its last positions; the base run has those of the positions before
         */
        private float[] logits(PendingRerun rerun, float[] recomputed) {
            int size = Math.multiplyExact(rerun.positions().length, rerun.columnCount());
            if (recomputed.length == size) {
                return recomputed;
            }
            float[] logits = baseLogits
                    .computeIfAbsent(rerun.sequence(), sequence -> baseLogits(rerun))
                    .clone();
            System.arraycopy(recomputed, 0, logits, size - recomputed.length, recomputed.length);
            return logits;
        }

        private float[] baseLogits(PendingRerun rerun) {
            Sequence whole = Sequence.of(run.prompts().tokens(rerun.sequence()));
            Boundary end = Boundary.last(config);
            LogitSelection rows = LogitSelection.rows(rerun.positions());
            ForwardRequest request = ForwardRequest.of(whole)
                    .from(end, run.rows(end, rerun.sequence()))
                    .logits(rerun.columns().length == 0 ? rows : rows.columns(rerun.columns()));
            done += MultiplyAdds.unembedding(config, rerun.positions().length, rerun.columnCount());
            return run.model().forward(request).logits();
        }
    }

    @Override
    public String toString() {
        return Printable.plural(edits.size(), "rerun") + " of " + run;
    }
}
