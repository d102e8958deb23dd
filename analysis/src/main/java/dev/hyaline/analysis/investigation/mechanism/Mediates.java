package dev.hyaline.analysis.investigation.mechanism;

import dev.hyaline.analysis.causal.PatchingDirection;
import dev.hyaline.analysis.causal.PathPatching;
import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.graph.Receiver;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.run.BaseRun;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A node passes another's effect on. The exact path from one through the other to a receiver carries a share of the
 * whole effect of the first; cutting it, with the mediator held at its clean output, costs as much; and the mediator
 * has no effect on the first, which no path leads to.
 *
 * @param share of the whole effect
 */
public record Mediates(Node from, Node via, Receiver to, double share) implements Mechanism {
    /** The share by default. */
    public static final double SHARE = 0.5;

    /** @throws BadInputException if the pass does not go from the first to the mediator and to the receiver */
    public Mediates {
        Copies.requireShare("share of the effect", share);
        if (!from.isBefore(via) || !via.isBefore(to.node())) {
            throw new BadInputException("mediates goes from a node to one that is computed later, and on; found " + from
                    + ", " + via + " and " + to);
        }
    }

    @Override
    public String name() {
        return "mediates";
    }

    @Override
    public List<SubClaim> subClaims() {
        List<SubClaim> all = new ArrayList<>();
        all.add(SubClaim.atLeast(
                "the path",
                "the path from " + from + " through " + via + " to " + to + " carries at least " + share
                        + " of the effect of " + from,
                0,
                study -> new SubClaim.Sample(
                        Suppresses.contrast(
                                Copies.difference(study.evidence().clean(), alongPath(study)), whole(study), share),
                        study.units())));
        all.add(SubClaim.atLeast(
                "cutting",
                "holding " + via + " takes at least " + share + " of the effect of " + from + " away",
                0,
                study -> {
                    double[] whole = whole(study);
                    double[] left = Copies.difference(study.evidence().clean(), edited(study, /* held= */ true));
                    return new SubClaim.Sample(
                            Suppresses.contrast(Copies.difference(whole, left), whole, share), study.units());
                }));
        return all;
    }

    /** What patching the first node by the corrupted run takes away. */
    private double[] whole(MechanismStudy study) {
        return Copies.difference(study.evidence().clean(), edited(study, /* held= */ false));
    }

    /** The metric with the first node patched, and perhaps the mediator held. */
    private double[] edited(MechanismStudy study, boolean held) {
        BaseRun clean = study.experiment().runs().run(Side.CLEAN);
        BaseRun corrupted = study.experiment().runs().run(Side.CORRUPTED);
        List<Intervention> edits = new ArrayList<>(List.of(Intervention.patch(from.output(), corrupted)));
        if (held) {
            edits.add(Intervention.patch(via.output(), clean));
        }
        return study.evidence()
                .edited("patching " + from + (held ? ", holding " + via : ""), Side.CLEAN, List.of(pair -> edits))[0];
    }

    /** The path through the mediator alone, less the direct one. */
    private double[] alongPath(MechanismStudy study) {
        // What the mediator has when only the first node is patched, given to the receiver's run by the path's own
        // rule.
        Map<String, PathPatching.Paths> paths =
                Map.of("path", new PathPatching.Paths(Set.of(from), Set.of(to), Set.of(via)));
        double[] both = study.experiment()
                .sweep(PathPatching.paths(study.config(), PatchingDirection.NOISING, paths))
                .table()
                .values(0);
        Map<String, PathPatching.Paths> direct =
                Map.of("path", new PathPatching.Paths(Set.of(from), Set.of(to), Set.of()));
        double[] alone = study.experiment()
                .sweep(PathPatching.paths(study.config(), PatchingDirection.NOISING, direct))
                .table()
                .values(0);
        double[] clean = study.evidence().clean();
        double[] path = new double[both.length];
        for (int pair = 0; pair < path.length; pair++) {
            path[pair] = clean[pair] + both[pair] - alone[pair];
        }
        return path;
    }
}
