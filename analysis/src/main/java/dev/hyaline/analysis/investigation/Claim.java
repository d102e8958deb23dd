package dev.hyaline.analysis.investigation;

import dev.hyaline.analysis.investigation.ClaimComponent.CircuitMembers;
import dev.hyaline.analysis.investigation.ClaimComponent.ComponentAt;
import dev.hyaline.analysis.investigation.ClaimComponent.HeadComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.LatentComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.MlpComponent;
import dev.hyaline.analysis.investigation.Treatment.ForcedValue;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * A signed, quantified statement: an experiment on components gives a result.
 *
 * @param name unlike that of every other claim of a hypothesis
 * @param primary whether the hypothesis depends on it
 * @param mechanism what the components are said to do besides, whose sub-claims must all hold; null if nothing is said
 */
public record Claim(
        String name,
        Treatment treatment,
        List<ClaimComponent> components,
        Expectation expectation,
        boolean primary,
        @Nullable MechanismClaim mechanism) {

    /** A claim that says nothing of a mechanism. */
    public Claim(
            String name,
            Treatment treatment,
            List<ClaimComponent> components,
            Expectation expectation,
            boolean primary) {
        this(name, treatment, components, expectation, primary, null);
    }

    /** @throws BadInputException if the treatment cannot give such a result, or is not for such components */
    public Claim {
        components = List.copyOf(components);
        if (name.isBlank()) {
            throw new BadInputException("a claim needs a name");
        }
        if (components.isEmpty()) {
            throw new BadInputException("a claim is about at least one component");
        }
        for (ClaimComponent component : components) {
            if (!fits(treatment, component)) {
                throw new BadInputException(treatment.word() + " is for " + fitting(treatment) + ", found "
                        + Printable.plain(component.toString()));
            }
        }
        if (!gives(treatment, expectation)) {
            throw new BadInputException(treatment.word() + " gives no " + expectation.key() + "; " + given(treatment));
        }
    }

    private static boolean fits(Treatment treatment, ClaimComponent component) {
        return switch (treatment) {
            case Treatment.LookAt look -> component instanceof HeadComponent || component instanceof CircuitMembers;
            case Treatment.Attend attend -> component instanceof HeadComponent || component instanceof CircuitMembers;
            case Treatment.PatchPath path ->
                component instanceof HeadComponent
                        || component instanceof CircuitMembers
                        || component instanceof MlpComponent;
            case Treatment.KeepOnly keep ->
                component instanceof HeadComponent
                        || component instanceof CircuitMembers
                        || (component instanceof MlpComponent && keep.of() == Treatment.Candidates.HEADS_AND_MLPS);
            case Treatment.ForceTo force ->
                !(component instanceof ComponentAt)
                        && !(component instanceof LatentComponent
                                && force.value() instanceof ForcedValue.GivenValues given
                                && given.values().size() != 1);
            default -> true;
        };
    }

    private static String fitting(Treatment treatment) {
        return switch (treatment) {
            case Treatment.PatchPath path -> "whole heads and MLPs";
            case Treatment.KeepOnly keep ->
                "whole " + keep.of().toString().replace("mlps", "MLPs").replace('-', ' ');
            case Treatment.ForceTo force ->
                "components without @ROLE, since the role is a key of its own, and sets a latent to one value";
            default -> "whole heads";
        };
    }

    private static boolean gives(Treatment treatment, Expectation expectation) {
        return switch (expectation) {
            case Expectation.FaithfulnessAtLeast f -> treatment instanceof Treatment.KeepOnly;
            case Expectation.AttentionAtLeast a -> treatment instanceof Treatment.Attend;
            case Expectation.ShareOfPathAtLeast s -> treatment instanceof Treatment.PatchPath;
            default -> !(treatment instanceof Treatment.Attend);
        };
    }

    private static String given(Treatment treatment) {
        String effects = "decrease, increase, no_effect";
        return "it gives "
                + switch (treatment) {
                    case Treatment.Attend attend -> "attention_at_least";
                    case Treatment.KeepOnly keep -> effects + ", faithfulness_at_least";
                    case Treatment.PatchPath path -> effects + ", share_of_path_at_least";
                    default -> effects;
                };
    }

    /** Returns whether it is about the circuit under study. */
    public boolean isOfCircuit() {
        return components.stream()
                .map(component -> component instanceof ComponentAt at ? at.component() : component)
                .anyMatch(CircuitMembers.class::isInstance);
    }

    /**
     * This claim of named components where it says "circuit": of its heads alone where the treatment is for heads.
     *
     * @throws BadInputException if the circuit has none that the claim means
     */
    public Claim of(List<? extends ClaimComponent> circuit) {
        List<ClaimComponent> named = named(circuit);
        if (named.isEmpty()) {
            throw new BadInputException(
                    "claim " + Printable.quoted(name) + ": the circuit has no member that " + components + " means");
        }
        return new Claim(name, treatment, named, expectation, primary, mechanism);
    }

    /** Returns whether something is left to test once the members of the circuit are named. */
    boolean meansSomeOf(List<? extends ClaimComponent> circuit) {
        return !named(circuit).isEmpty();
    }

    private List<ClaimComponent> named(List<? extends ClaimComponent> circuit) {
        List<? extends ClaimComponent> possible =
                circuit.stream().filter(member -> fits(treatment, member)).toList();
        return components.stream()
                .flatMap(component -> switch (component) {
                    case CircuitMembers members -> possible.stream().filter(members::means);
                    case ComponentAt(CircuitMembers members, String role) ->
                        possible.stream().filter(members::means).map(member -> new ComponentAt(member, role));
                    default -> Stream.of(component);
                })
                .map(ClaimComponent.class::cast)
                .distinct()
                .toList();
    }

    /** The latents of autoencoders among its components. */
    List<LatentComponent> latents() {
        return components.stream()
                .map(component -> component instanceof ComponentAt at ? at.component() : component)
                .filter(LatentComponent.class::isInstance)
                .map(LatentComponent.class::cast)
                .toList();
    }

    /** The roles that the claim names. */
    public Set<String> roles() {
        Set<String> roles = new LinkedHashSet<>();
        switch (treatment) {
            case Treatment.LookAt(String from, String at) -> roles.addAll(List.of(from, at));
            case Treatment.Attend(String from, String at) -> roles.addAll(List.of(from, at));
            case Treatment.ForceTo force -> {
                roles.add(force.at());
                if (force.value() instanceof ForcedValue.ActiveMean(String attended) && attended != null) {
                    roles.add(attended);
                }
            }
            default -> {
                // Other treatments are of components alone.
            }
        }
        for (ClaimComponent component : components) {
            if (component instanceof ComponentAt(ClaimComponent of, String role)) {
                roles.add(role);
            }
        }
        if (mechanism != null) {
            roles.add(mechanism.from());
            for (String key : List.of("role", "answer_role", "others")) {
                roles.addAll(mechanism.names(key));
            }
        }
        return Collections.unmodifiableSet(roles);
    }

    /** The claim in a sentence. */
    public String sentence() {
        String of = components.stream().map(ClaimComponent::toString).collect(Collectors.joining(", "));
        return treatment.words(of) + " " + expectation.words()
                + (mechanism == null ? "" : ", and they are " + mechanism.words());
    }
}
