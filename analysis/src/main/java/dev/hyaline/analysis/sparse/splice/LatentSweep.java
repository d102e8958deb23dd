package dev.hyaline.analysis.sparse.splice;

import dev.hyaline.analysis.causal.PairRuns;
import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.causal.Sweep;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.edit.Intervention;
import java.util.Arrays;
import java.util.List;

/**
 * Which latents matter for a behaviour: a sweep whose cells are latents, each ablated in the clean run with the error
 * term, so that nothing else changes.
 */
public final class LatentSweep implements Sweep {
    private final Attachment attachment;
    private final int[] latents;

    private LatentSweep(Attachment attachment, int[] latents) {
        this.attachment = attachment;
        this.latents = latents;
    }

    /**
     * Ablates latents one by one.
     *
     * @throws BadInputException if one is not there, or the autoencoder's splice is no intervention
     */
    public static LatentSweep of(Attachment attachment, int... latents) {
        if (latents.length == 0) {
            throw new BadInputException("a sweep needs at least one latent");
        }
        for (int latent : latents) {
            splice(attachment, latent).intervention();
        }
        return new LatentSweep(attachment, latents.clone());
    }

    private static Splice splice(Attachment attachment, int latent) {
        return Splice.of(attachment).withError().edit(new LatentEdit.AblateLatent(latent));
    }

    @Override
    public String title() {
        return "Ablation of latents at " + attachment.out();
    }

    @Override
    public String key() {
        return title() + " " + attachment.autoencoder().metadata() + " "
                + Arrays.hashCode(attachment.autoencoder().parameters().decoder());
    }

    @Override
    public List<Axis> axes() {
        return List.of(new Axis(
                "latent", Arrays.stream(latents).mapToObj(String::valueOf).toList()));
    }

    @Override
    public Side base() {
        return Side.CLEAN;
    }

    @Override
    public void requireMadeFor(PairRuns runs) {
        int width = attachment.out().site().shape().width(runs.config());
        if (width != attachment.autoencoder().config().dOut()
                || attachment.out().layer() >= runs.config().nLayers()) {
            throw new BadInputException(title() + " was made for another model");
        }
    }

    @Override
    public CellEdits edits(PairRuns runs, int group) {
        List<Intervention> interventions = Arrays.stream(latents)
                .mapToObj(latent -> splice(attachment, latent).intervention())
                .toList();
        return (cell, pair) -> List.of(interventions.get(cell));
    }
}
