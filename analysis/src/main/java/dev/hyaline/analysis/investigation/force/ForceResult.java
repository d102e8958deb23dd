package dev.hyaline.analysis.investigation.force;

import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.ComponentAt;
import dev.hyaline.analysis.investigation.ClaimComponent.LatentComponent;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.RecordText;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Target;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The metric of runs into which components were forced, by pair.
 *
 * @param force its name
 * @param into the runs that were edited
 * @param at the role at whose position; null for all positions
 * @param control what the force is a control for, in words; empty of the force itself
 * @param before the metric without the force
 */
public record ForceResult(
        String force, Side into, @Nullable String at, String control, double[] before, double[] after) {

    /** The mean change. */
    public double meanChange() {
        double sum = 0;
        for (int pair = 0; pair < after.length; pair++) {
            sum += after[pair] - before[pair];
        }
        return sum / after.length;
    }

    /**
     * Forces components in one way.
     *
     * @param at the role at whose position; null for all positions
     */
    public static ForceResult run(
            Force force, Evidence evidence, Side into, List<ClaimComponent> components, @Nullable String at) {
        return run(force, "", evidence, into, components, at);
    }

    private static ForceResult run(
            Force force,
            String control,
            Evidence evidence,
            Side into,
            List<ClaimComponent> components,
            @Nullable String at) {
        double[] after = evidence.edited(
                        force.name() + " " + components + (at == null ? " everywhere" : " at " + at),
                        into,
                        List.of(edits(force, evidence, into, components, at)))[0];
        return new ForceResult(
                force.name(),
                into,
                at,
                control,
                evidence.experiment().baselines().of(into).clone(),
                after);
    }

    static Evidence.PairEdits edits(
            Force force, Evidence evidence, Side into, List<ClaimComponent> components, @Nullable String at) {
        for (ClaimComponent component : components) {
            component.requireIn(evidence.experiment().config());
            if (component instanceof ComponentAt) {
                throw new BadInputException(component + " names its position; give the component and the role apart");
            }
        }
        return pair -> {
            PromptPair prompts = evidence.experiment().pairs().get(pair);
            List<Intervention> edits = new ArrayList<>();
            for (ClaimComponent component : components) {
                if (component instanceof LatentComponent) {
                    continue;
                }
                Target target = component.target(prompts);
                edits.addAll(force.edit(
                        evidence, into, component, at == null ? target : target.positions(prompts.position(at)), pair));
            }
            List<ClaimComponent> latents = components.stream()
                    .filter(LatentComponent.class::isInstance)
                    .map(latent -> at == null ? latent : new ComponentAt(latent, at))
                    .toList();
            edits.addAll(evidence.latentEdits(
                    latents, pair, (latent, position) -> force.latentValue(evidence, into, latent, pair, position)));
            return edits;
        };
    }

    /**
     * Forces components both ways, into clean and into corrupted runs, at a role's position and at all positions, each
     * time with the force's controls.
     */
    public static List<ForceResult> bothWays(
            Force force, Evidence evidence, List<ClaimComponent> components, String role) {
        List<ForceResult> all = new ArrayList<>();
        for (Side into : Side.values()) {
            // A head looks from one position.
            List<@Nullable String> places = force instanceof Look ? List.of(role) : Arrays.asList(role, null);
            for (@Nullable String at : places) {
                all.add(run(force, evidence, into, components, at));
                for (Map.Entry<String, Force> control : force.controls(evidence).entrySet()) {
                    all.add(run(control.getValue(), control.getKey(), evidence, into, components, at));
                }
            }
        }
        return List.copyOf(all);
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
