package dev.hyaline.instrument.capture;

import dev.hyaline.engine.ForwardResult;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.internal.Batches;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** The passes over prompts whose values a {@link Capture} chooses, handed to a listener as they come. */
public final class CapturePasses {
    private final PromptPass pass;
    private final Gpt2Config config;
    private final Prompts prompts;
    private final Capture capture;
    private final CaptureListener listener;

    private CapturePasses(
            PromptPass pass, Gpt2Config config, Prompts prompts, Capture capture, CaptureListener listener) {
        this.pass = pass;
        this.config = config;
        this.prompts = prompts;
        this.capture = capture;
        this.listener = listener;
    }

    /**
     * Runs prompts, several to a pass, and hands what is recorded to a listener. No more than a few passes' buffers are
     * held at a time, however many the prompts.
     *
     * @throws BadInputException if a sequence has none of the positions, or the model not the heads or neurons
     */
    public static void run(Gpt2 model, Prompts prompts, Capture capture, CaptureListener listener) {
        run(PromptPass.plain(model, prompts), model.config(), prompts, capture, listener);
    }

    /** As {@link #run(Gpt2, Prompts, Capture, CaptureListener)}, of passes that may do more than run the model. */
    public static void run(
            PromptPass pass, Gpt2Config config, Prompts prompts, Capture capture, CaptureListener listener) {
        capture.require(config, prompts);
        CapturePasses passes = new CapturePasses(pass, config, prompts, capture, listener);
        Batches.run(prompts.size(), prompts::length, passes::run);
    }

    private void run(int first, int end) {
        List<int[]> chosen = IntStream.range(first, end)
                .mapToObj(sequence -> capture.positions(prompts, sequence))
                .toList();
        int[] logitRows = logitRows(first, chosen);
        CaptureProbe probe = new CaptureProbe(capture, config, chosen, first, listener);
        ForwardResult result = pass.forward(first, end, LogitSelection.rows(logitRows), probe);
        probe.requireAllFired();
        int nextRow = 0;
        for (int s = first; s < end; s++) {
            nextRow += prompts.length(s);
            listener.finished(s, result.row(Arrays.binarySearch(logitRows, nextRow - 1)));
        }
    }

    /** Rows to form logits of: each sequence's last, and the recorded ones if the logits are recorded. */
    private int[] logitRows(int first, List<int[]> chosen) {
        boolean recorded = capture.points().getLast().site() == Site.UNEMBED_OUT;
        IntStream.Builder rows = IntStream.builder();
        int firstRow = 0;
        for (int s = 0; s < chosen.size(); s++) {
            if (recorded) {
                for (int position : chosen.get(s)) {
                    rows.add(firstRow + position);
                }
            }
            firstRow += prompts.length(first + s);
            rows.add(firstRow - 1);
        }
        return rows.build().distinct().toArray();
    }

    @Override
    public String toString() {
        return capture + " of " + prompts;
    }
}
