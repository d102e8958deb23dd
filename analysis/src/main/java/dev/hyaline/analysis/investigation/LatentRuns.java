package dev.hyaline.analysis.investigation;

import dev.hyaline.analysis.causal.PairRuns;
import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.investigation.ClaimComponent.ComponentAt;
import dev.hyaline.analysis.investigation.ClaimComponent.LatentComponent;
import dev.hyaline.analysis.investigation.Evidence.LatentValue;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.sparse.Latents;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.analysis.sparse.splice.LatentEdit;
import dev.hyaline.analysis.sparse.splice.LatentEdit.ClampLatent;
import dev.hyaline.analysis.sparse.splice.Splice;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.Slot;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Target;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * The latents of autoencoders in the runs of pairs, and edits of them that leave what the autoencoder misses as it is.
 * Not thread-safe.
 */
final class LatentRuns {
    private final PairRuns runs;
    private final Map<String, Attachment> autoencoders;
    private final Map<String, Latents> encoded = new HashMap<>();

    /** @param autoencoders by the names that components have for them */
    LatentRuns(PairRuns runs, Map<String, Attachment> autoencoders) {
        this.runs = runs;
        this.autoencoders = autoencoders;
    }

    Map<String, Attachment> autoencoders() {
        return autoencoders;
    }

    Attachment attachment(String name) {
        Attachment attachment = autoencoders.get(name);
        if (attachment == null) {
            throw new BadInputException("there is no autoencoder " + Printable.quoted(name) + " in the evidence");
        }
        return attachment;
    }

    /**
     * The latents of one sequence.
     *
     * @param source values of the site that the autoencoder reads
     */
    static Latents encode(Attachment attachment, ActivationSource source, int sequence, int length) {
        int width = attachment.autoencoder().config().dIn();
        int head = attachment.head().map(Attachment.OneHead::index).orElse(Slot.NO_HEAD);
        float[] rows = new float[length * width];
        float[] row = new float[width];
        for (int position = 0; position < length; position++) {
            source.read(new Slot(attachment.in(), sequence, position, head), row);
            System.arraycopy(row, 0, rows, position * width, width);
        }
        return Splice.of(attachment).apply(rows, rows).before();
    }

    /** A latent's value in a pair's run. */
    float value(Side side, LatentComponent latent, int pair, int position) {
        return of(side, latent.autoencoder(), pair).get(position, latent.latent());
    }

    private Latents of(Side side, String name, int pair) {
        Attachment attachment = attachment(name);
        return encoded.computeIfAbsent(
                side + " " + pair + " " + name,
                of -> encode(
                        attachment,
                        runs.recorded(side, attachment.in().site()),
                        pair,
                        runs.pairs().get(pair).length()));
    }

    /** The latents that are not zero at some token of the clean runs, in order. */
    List<Integer> firing(String name) {
        TreeSet<Integer> firing = new TreeSet<>();
        for (int pair = 0; pair < runs.pairs().size(); pair++) {
            for (int latent : of(Side.CLEAN, name, pair).indices()) {
                firing.add(latent);
            }
        }
        return List.copyOf(firing);
    }

    static boolean isLatent(ClaimComponent component) {
        return component instanceof LatentComponent
                || (component instanceof ComponentAt at && at.component() instanceof LatentComponent);
    }

    /** The edits of a pair's run that give latents other values: one for each autoencoder, of all its latents. */
    List<Intervention> edits(List<ClaimComponent> components, int pair, LatentValue values) {
        PromptPair prompts = runs.pairs().get(pair);
        Map<String, SortedMap<Integer, SortedMap<Integer, LatentEdit>>> byAutoencoder = new LinkedHashMap<>();
        for (ClaimComponent component : components) {
            LatentComponent latent;
            int first = 0;
            int end = prompts.length();
            if (component instanceof ComponentAt at && at.component() instanceof LatentComponent placed) {
                latent = placed;
                first = prompts.position(at.role());
                end = first + 1;
            } else if (component instanceof LatentComponent everywhere) {
                latent = everywhere;
            } else {
                continue;
            }
            SortedMap<Integer, SortedMap<Integer, LatentEdit>> byPosition =
                    byAutoencoder.computeIfAbsent(latent.autoencoder(), name -> new TreeMap<>());
            for (int position = first; position < end; position++) {
                float value = values.of(latent, position);
                if (!Float.isNaN(value)) {
                    byPosition
                            .computeIfAbsent(position, of -> new TreeMap<>())
                            .put(latent.latent(), new ClampLatent(latent.latent(), value));
                }
            }
        }
        List<Intervention> edits = new ArrayList<>();
        byAutoencoder.forEach((name, byPosition) -> {
            if (!byPosition.isEmpty()) {
                edits.add(edit(attachment(name), byPosition));
            }
        });
        return edits;
    }

    private static Intervention edit(
            Attachment attachment, SortedMap<Integer, SortedMap<Integer, LatentEdit>> byPosition) {
        Splice splice = Splice.of(attachment).withError();
        Map<Integer, Splice> splices = new HashMap<>();
        byPosition.forEach((position, edits) ->
                splices.put(position, splice.edit(edits.values().toArray(LatentEdit[]::new))));
        Target target = Target.of(attachment.out())
                .positions(
                        byPosition.keySet().stream().mapToInt(Integer::intValue).toArray());
        return Intervention.function(
                attachment.head().map(one -> target.heads(one.index())).orElse(target), (slot, values) -> {
                    Splice edited = splices.get(slot.position());
                    if (edited != null) {
                        System.arraycopy(edited.apply(values, values).output(), 0, values, 0, values.length);
                    }
                });
    }
}
