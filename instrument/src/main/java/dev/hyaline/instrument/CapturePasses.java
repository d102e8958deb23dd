package dev.hyaline.instrument;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.ForwardResult;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.site.Site;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/** The passes of a {@link Capture} over prompts that fit it. */
record CapturePasses(Capture capture, Gpt2 model, Prompts prompts, CaptureListener listener) {
    /**
     * Tokens a pass takes together: enough to keep the matrix products busy, few enough that a vocabulary of logits
     * each stays small.
     */
    private static final int TOKENS_PER_PASS = 1024;

    private interface Pass {
        ForwardResult forward(List<Sequence> batch, LogitSelection logits, CaptureProbe probe);
    }

    /** Runs the prompts as they are, several to a pass. */
    void plain() {
        Pass plain = (batch, logits, probe) ->
                model.forward(ForwardRequest.of(batch).logits(logits).probe(probe));
        for (int first = 0; first < prompts.size(); ) {
            int end = first;
            int tokens = 0;
            do {
                tokens += prompts.length(end++);
            } while (end < prompts.size() && tokens + prompts.length(end) <= TOKENS_PER_PASS);
            run(plain, first, end);
            first = end;
        }
    }

    /** Runs all prompts in one pass, with interventions. */
    void edited(Interventions interventions) {
        run((batch, logits, probe) -> interventions.forward(model, prompts, logits, probe), 0, prompts.size());
    }

    private void run(Pass pass, int first, int end) {
        List<Sequence> batch = IntStream.range(first, end)
                .mapToObj(sequence -> Sequence.of(prompts.tokens(sequence)))
                .toList();
        List<int[]> chosen = IntStream.range(first, end)
                .mapToObj(sequence -> capture.positions(prompts, sequence))
                .toList();
        int[] logitRows = logitRows(batch, chosen);
        CaptureProbe probe = new CaptureProbe(capture, model.config(), chosen, first, listener);
        ForwardResult result = pass.forward(batch, LogitSelection.rows(logitRows), probe);
        probe.requireAllFired();
        int nextRow = 0;
        for (int s = 0; s < batch.size(); s++) {
            nextRow += batch.get(s).length();
            listener.finished(first + s, result.row(Arrays.binarySearch(logitRows, nextRow - 1)));
        }
    }

    /** Rows to form logits of: each sequence's last, and the recorded ones if the logits are recorded. */
    private int[] logitRows(List<Sequence> batch, List<int[]> chosen) {
        boolean recorded = capture.points().getLast().site() == Site.UNEMBED_OUT;
        IntStream.Builder rows = IntStream.builder();
        int firstRow = 0;
        for (int s = 0; s < batch.size(); s++) {
            if (recorded) {
                for (int position : chosen.get(s)) {
                    rows.add(firstRow + position);
                }
            }
            firstRow += batch.get(s).length();
            rows.add(firstRow - 1);
        }
        return rows.build().distinct().toArray();
    }
}
