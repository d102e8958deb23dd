package dev.hyaline.analysis.investigation;

import dev.hyaline.analysis.graph.Receiver;
import dev.hyaline.analysis.investigation.ClaimComponent.LatentComponent;
import dev.hyaline.analysis.investigation.Expectation.EffectAmount;
import dev.hyaline.analysis.investigation.StudyPlan.AutoencoderPlan;
import dev.hyaline.analysis.investigation.StudyPlan.Behaviour;
import dev.hyaline.analysis.investigation.StudyPlan.CheckPlan;
import dev.hyaline.analysis.investigation.StudyPlan.CircuitSearch;
import dev.hyaline.analysis.investigation.StudyPlan.DictionaryPlan;
import dev.hyaline.analysis.investigation.StudyPlan.PromptPlan;
import dev.hyaline.analysis.investigation.StudyPlan.TestDesign;
import dev.hyaline.analysis.statistics.SignFlip;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.files.FileInput;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.files.Printable;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A study as a file states it before it begins: a behaviour of a model, and claims about what brings it about, each
 * with a direction and a number.
 *
 * <p>The file is JSON of the format {@code hyaline-investigation/1}. {@code model}, {@code behaviour} and
 * {@code claims} are required; all else has a default, which {@link #toJson} writes out. Keys that mean nothing are
 * refused.
 *
 * @param circuit the search for the circuit; null if no claim is about one
 * @param superposition the dictionary of a site; null where none is learned, which takes minutes
 * @param autoencoders whose latents claims name, by the names that they have there
 * @param smallestEffect the least effect that matters
 * @param alternatives the rivals that are tested; generic damage only where other behaviours are given
 * @param specificAgainst tasks that should not suffer from what the claims ablate; empty where nothing is said of them
 */
public record Investigation(
        String title,
        String model,
        long seed,
        Behaviour behaviour,
        PromptPlan prompts,
        @Nullable CircuitSearch circuit,
        @Nullable DictionaryPlan superposition,
        SortedMap<String, AutoencoderPlan> autoencoders,
        EffectAmount smallestEffect,
        List<Claim> claims,
        List<AlternativeKind> alternatives,
        List<String> specificAgainst,
        TestDesign design,
        CheckPlan checks) {

    /** The first entry of a file. */
    public static final String FORMAT = "hyaline-investigation/1";

    /** The least effect that matters where a file says none: a tenth of the gap. */
    static final EffectAmount SMALLEST_EFFECT = new EffectAmount(0.1, Expectation.EffectUnit.GAP);

    private static final int MAX_BYTES = 1 << 24;
    private static final int MIN_OTHERS = 2;

    /**
     * @throws BadInputException if a claim names an autoencoder that is not there, there is no primary claim, or two
     *     have one name, or generic damage is named without other tasks
     */
    public Investigation {
        claims = List.copyOf(claims);
        autoencoders = Collections.unmodifiableSortedMap(new TreeMap<>(autoencoders));
        alternatives = List.copyOf(alternatives);
        specificAgainst = List.copyOf(specificAgainst);
        boolean generic = alternatives.contains(AlternativeKind.GENERIC_DAMAGE);
        if (generic ? specificAgainst.size() < MIN_OTHERS : !specificAgainst.isEmpty()) {
            throw new BadInputException("the alternative " + AlternativeKind.GENERIC_DAMAGE + " is tested against at"
                    + " least " + MIN_OTHERS + " other tasks, found "
                    + (specificAgainst.isEmpty() ? "none" : specificAgainst.toString())
                    + (generic ? "" : " and no such alternative"));
        }
        if (claims.stream().noneMatch(Claim::primary)) {
            throw new BadInputException("an investigation needs at least one primary claim");
        }
        Set<String> names = new HashSet<>();
        for (Claim claim : claims) {
            if (!names.add(claim.name())) {
                throw new BadInputException("there are two claims of the name " + Printable.quoted(claim.name()));
            }
        }
        for (Claim claim : claims) {
            for (LatentComponent latent : claim.latents()) {
                if (!autoencoders.containsKey(latent.autoencoder())) {
                    throw new BadInputException("claim " + Printable.quoted(claim.name()) + " names " + latent
                            + ", but saes has " + (autoencoders.isEmpty() ? "none" : autoencoders.keySet()));
                }
            }
        }
        if (circuit == null && claims.stream().anyMatch(Claim::isOfCircuit)) {
            throw new BadInputException("a claim is about the circuit, but no search for one is planned");
        }
    }

    /**
     * Reads a file.
     *
     * @throws FileException if it cannot be read
     * @throws BadInputException naming the file and the place in it, if it does not state an investigation
     */
    public static Investigation read(Path file) {
        try (FileInput input = FileInput.open(file, InputErrors.INSTANCE)) {
            return parse(input.label(), input.readAll(MAX_BYTES), null);
        }
    }

    /**
     * Reads a file about a model: what the model lacks is named with its place in the file, and so is a model that is
     * not there.
     *
     * @param models the shape of a model by its name
     * @throws FileException if it cannot be read
     * @throws BadInputException naming the file and the place in it, if it does not state an investigation, or the
     *     model lacks what it names
     */
    public static Investigation read(Path file, Function<String, Gpt2Config> models) {
        try (FileInput input = FileInput.open(file, InputErrors.INSTANCE)) {
            return parse(input.label(), input.readAll(MAX_BYTES), models);
        }
    }

    /**
     * Reads a text.
     *
     * @param source the name of the text in errors
     */
    public static Investigation parse(String source, String json) {
        return parse(source, json.getBytes(StandardCharsets.UTF_8), null);
    }

    private static Investigation parse(String source, byte[] json, @Nullable Function<String, Gpt2Config> models) {
        return InvestigationReader.read(Json.readWrittenObject(InputErrors.INSTANCE, source, json), models);
    }

    /**
     * A built-in example: {@code ioi}, {@code induction} or {@code greater-than}.
     *
     * @throws BadInputException if there is none of the name
     */
    public static Investigation example(String name) {
        return Examples.read(name);
    }

    /** The names of the built-in examples. */
    public static List<String> examples() {
        return Examples.names();
    }

    /** The file with every default written out: reading it gives the same investigation. */
    public byte[] toJson() {
        return InvestigationWriter.write(this);
    }

    /** The primary claims. */
    public List<Claim> primaryClaims() {
        return claims.stream().filter(Claim::primary).toList();
    }

    /**
     * The investigation with the circuit's members named in its claims. A claim that means none of them stays as it is.
     */
    public Investigation of(List<? extends ClaimComponent> members) {
        return new Investigation(
                title,
                model,
                seed,
                behaviour,
                prompts,
                circuit,
                superposition,
                autoencoders,
                smallestEffect,
                claims.stream()
                        .map(claim -> claim.meansSomeOf(members) ? claim.of(members) : claim)
                        .toList(),
                alternatives,
                specificAgainst,
                design,
                checks);
    }

    /**
     * Checks that a model has all that claims name. Roles are checked against the prompts as these are there.
     *
     * @throws BadInputException naming the claim, if it does not
     */
    public void requireFits(Gpt2Config config) {
        if (superposition != null) {
            try {
                new ClaimComponent.SiteComponent(superposition.site()).requireIn(config);
            } catch (BadInputException e) {
                throw new BadInputException("superposition: " + e.getMessage());
            }
        }
        for (Claim claim : claims) {
            try {
                claim.components().forEach(component -> component.requireIn(config));
                if (claim.treatment() instanceof Treatment.PatchPath path) {
                    path.to().forEach(receiver -> Receiver.parse(config, receiver));
                }
            } catch (BadInputException e) {
                throw new BadInputException("claim " + Printable.quoted(claim.name()) + ": " + e.getMessage());
            }
        }
    }

    /**
     * The least number of units with which the primary claims can be confirmed: with fewer, the smallest p value, taken
     * as often as there are primary claims, stays above the level.
     */
    public int minUnits() {
        int claimed = primaryClaims().size();
        double level = primaryClaims().stream()
                .mapToDouble(claim -> design.level(claim.expectation()))
                .min()
                .orElseThrow();
        int units = 3;
        while (units <= SignFlip.MAX_EXACT_UNITS && claimed * Math.pow(2, -units) > level) {
            units++;
        }
        return units;
    }

    /** The investigation in sentences: the behaviour, the prompts, each claim, and what could confirm it. */
    public List<String> explain() {
        List<String> lines = new ArrayList<>();
        lines.add("The behaviour is "
                + (prompts.corpus() != null
                        ? "the next token after " + prompts.corpus().length() + " of a document"
                        : behaviour.tasks().isEmpty() ? "that of the pairs" : StudyPlan.taskName(behaviour.tasks()))
                + " by " + behaviour.measure().quantity() + " at " + behaviour.at()
                + "; it is there if the mean is at least "
                + behaviour.meanAtLeast() + " and " + behaviour.accuracyAtLeast() + " of the prompts are above 0.");
        lines.add("The claims are tested on " + prompts.heldOut() + " pairs that share "
                + (prompts.splitBy().isEmpty() ? "no unit" : "no token at " + String.join(", ", prompts.splitBy()))
                + " with the " + prompts.discovery() + " of the discovery half.");
        if (circuit != null) {
            lines.add("The circuit is what iterative ablation (" + circuit.replacement()
                    + ") of " + circuit.of().toString().replace('-', ' ') + " leaves within " + circuit.tau()
                    + " of the gap, on the discovery half.");
        }
        if (superposition != null) {
            lines.add("A dictionary of "
                    + (superposition.atoms() == 0 ? "ten features a dimension" : superposition.atoms() + " features")
                    + " is learned from the discovery half at " + superposition.site()
                    + ", and its strongest features are ablated there one by one.");
        }
        autoencoders.forEach((name, plan) -> lines.add("The autoencoder " + name + " is that of " + plan.file()
                + (plan.site() == null ? "" : " at " + plan.site()) + "; what it misses stays as it is."));
        for (Claim claim : claims) {
            lines.add((claim.primary() ? "Claim " : "Secondary claim ") + Printable.quoted(claim.name()) + ": "
                    + claim.sentence() + ".");
        }
        if (!alternatives.isEmpty()) {
            lines.add("Alternatives are tested: "
                    + String.join(
                            ", ",
                            alternatives.stream().map(AlternativeKind::toString).toList())
                    + (specificAgainst.isEmpty() ? "" : " (against " + String.join(", ", specificAgainst) + ")") + ".");
        }
        lines.add("The level is " + design.alpha() / 2 + " one-sided (" + design.alpha()
                + " for a claim of no effect), adjusted by Holm over "
                + primaryClaims().size()
                + " primary claims; that takes at least " + minUnits() + " units.");
        return List.copyOf(lines);
    }
}
