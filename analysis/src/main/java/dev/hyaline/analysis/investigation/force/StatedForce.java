package dev.hyaline.analysis.investigation.force;

import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.LatentComponent;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.Treatment;
import dev.hyaline.analysis.investigation.Treatment.ForcedValue;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Target;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The forces that claims state, with the values of a discovery half. */
public final class StatedForce {
    private StatedForce() {}

    /** Different forces of different components. */
    private record OfEach(Map<ClaimComponent, Force> forces) implements Force {
        @Override
        public String name() {
            return forces.values().stream().map(Force::name).collect(Collectors.joining(", "));
        }

        @Override
        public List<Intervention> edit(
                Evidence evidence, Side into, ClaimComponent component, Target target, int pair) {
            return of(component).edit(evidence, into, component, target, pair);
        }

        @Override
        public float latentValue(Evidence evidence, Side into, LatentComponent latent, int pair, int position) {
            return of(latent).latentValue(evidence, into, latent, pair, position);
        }

        private Force of(ClaimComponent component) {
            Force force = forces.get(component);
            if (force == null) {
                throw new BadInputException("there is no force of " + component);
            }
            return force;
        }
    }

    /** Forces components of any evidence to values of the discovery half's. */
    public static Evidence.ForcedEdits by(Evidence discovery) {
        return (evidence, stated, components) -> {
            Force force = of(discovery, stated, components);
            return ForceResult.edits(
                    force, evidence, stated.into(), components, stated.everywhere() ? null : stated.at());
        };
    }

    private static Force of(Evidence discovery, Treatment.ForceTo stated, List<ClaimComponent> components) {
        return switch (stated.value()) {
            case ForcedValue.OtherRun other -> Force.donor();
            case ForcedValue.GivenValues(List<Double> values) -> {
                float[] given = new float[values.size()];
                for (int i = 0; i < given.length; i++) {
                    given[i] = values.get(i).floatValue();
                }
                yield Force.set(given);
            }
            case ForcedValue.ActiveMean mean -> {
                Map<ClaimComponent, Force> forces = new LinkedHashMap<>();
                for (ClaimComponent component : components) {
                    forces.put(component, MeanActive.of(discovery, component, stated.at(), mean.attended()));
                }
                yield new OfEach(forces);
            }
            case ForcedValue.MeansDifference(double alpha) -> {
                Map<ClaimComponent, Force> forces = new LinkedHashMap<>();
                for (ClaimComponent component : components) {
                    forces.put(component, Steer.of(discovery, component, stated.at(), alpha));
                }
                yield new OfEach(forces);
            }
        };
    }

    /**
     * The force of a claim both ways, as {@link ForceResult#bothWays} measures it; none of a claim that forces nothing.
     *
     * @param discovery evidence whose values components are forced to
     */
    public static List<ForceResult> bothWays(Evidence discovery, Evidence evidence, Claim claim) {
        return switch (claim.treatment()) {
            case Treatment.ForceTo stated ->
                ForceResult.bothWays(
                        of(discovery, stated, claim.components()), evidence, claim.components(), stated.at());
            case Treatment.LookAt(String from, String at) ->
                ForceResult.bothWays(Force.look(from, at), evidence, claim.components(), from);
            default -> List.of();
        };
    }

    /** The steering of each component of a claim, by itself; none of a claim that does not steer. */
    public static List<Steer> steering(Evidence discovery, Claim claim) {
        List<Steer> steering = new ArrayList<>();
        if (claim.treatment() instanceof Treatment.ForceTo stated
                && stated.value() instanceof ForcedValue.MeansDifference(double alpha)) {
            for (ClaimComponent component : claim.components()) {
                steering.add(Steer.of(discovery, component, stated.at(), alpha));
            }
        }
        return List.copyOf(steering);
    }
}
