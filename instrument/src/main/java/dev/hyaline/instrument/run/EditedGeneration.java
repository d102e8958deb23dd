package dev.hyaline.instrument.run;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Generator;
import dev.hyaline.engine.KvCache;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.internal.edit.BoundEdit;
import dev.hyaline.instrument.internal.edit.BoundEdits;
import java.util.Arrays;
import java.util.List;

/** Texts continued under interventions. */
final class EditedGeneration {
    private EditedGeneration() {}

    /** The edits of a prompt and of what is generated after it. */
    static List<BoundEdit> edits(Interventions interventions, Generator generator, Prompts prompts, int sequence) {
        Gpt2Config config = generator.model().config();
        int length = prompts.length(sequence);
        // The last token drawn is not run.
        int bound = Math.max(length, (int) Math.min(config.nCtx(), (long) length + generator.maxNewTokens() - 1));
        List<BoundEdit> edits = BoundEdits.bind(interventions, config, prompts.size(), sequence, length, bound);
        for (BoundEdit edit : edits) {
            int last = edit.positions()[edit.positions().length - 1];
            if (edit.point().site() == Site.UNEMBED_OUT && last < length - 1) {
                throw new BadInputException(edit.intervention().label()
                        + " never acts: of a prompt that is continued only the last position has logits");
            }
        }
        return edits;
    }

    /**
     * A generator whose passes are edited.
     *
     * @param edits by prompt
     */
    static Generator edited(Generator generator, List<List<BoundEdit>> edits) {
        return generator.probes(prompts -> {
            InterventionProbe.Builder probe = InterventionProbe.builder();
            for (int i = 0; i < prompts.length; i++) {
                probe.add(i, edits.get(prompts[i]));
            }
            return probe.build();
        });
    }

    /**
     * The keys and values of all but the last token of an edited sequence, from those of its base run: only layers and
     * positions that the edit can change are computed again.
     */
    static KvCache cache(BaseRun run, int sequence, List<BoundEdit> edits) {
        Gpt2Config config = run.config();
        PendingRerun rerun = new PendingRerun(run, 0, sequence, edits, LogitSelection.none(), null);
        KvCache base = run.cache(sequence);
        int end = rerun.length() - 1;
        Boundary lastAttention = Boundary.last(config).previous();
        if (rerun.isUnchanged()
                || rerun.first() >= end
                || rerun.restart().joins(config).compareTo(lastAttention) >= 0) {
            return base.fork(end);
        }
        int first = rerun.first();
        KvCache amended = base.amendable(first, end);
        int[] tokens = Arrays.copyOfRange(run.prompts().tokens(sequence), first, end);
        ForwardRequest request = ForwardRequest.of(Sequence.amend(amended, first, tokens))
                .probe(InterventionProbe.builder().add(0, edits).build());
        if (!rerun.restart().isEmbedding()) {
            Boundary from = rerun.restart().from(config);
            float[] rows = slice(run.rows(from, sequence), first, end, config);
            HookPoint start = rerun.restart().first();
            request = rerun.restart().branch().isEmpty()
                    ? request.from(from, rows)
                    : request.from(start, rows, slice(run.rows(start, sequence), first, end, config));
        }
        run.model().forward(request.to(lastAttention));
        return amended;
    }

    private static float[] slice(float[] rows, int first, int end, Gpt2Config config) {
        return Arrays.copyOfRange(rows, first * config.dModel(), end * config.dModel());
    }
}
