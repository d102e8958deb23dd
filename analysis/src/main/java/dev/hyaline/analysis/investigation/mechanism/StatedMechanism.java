package dev.hyaline.analysis.investigation.mechanism;

import dev.hyaline.analysis.attention.HeadType;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.graph.Receiver;
import dev.hyaline.analysis.investigation.Claim;
import dev.hyaline.analysis.investigation.ClaimComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.HeadComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.MlpComponent;
import dev.hyaline.analysis.investigation.ClaimComponent.SiteComponent;
import dev.hyaline.analysis.investigation.Expectation;
import dev.hyaline.analysis.investigation.Expectation.EffectAmount;
import dev.hyaline.analysis.investigation.Expectation.EffectUnit;
import dev.hyaline.analysis.investigation.MechanismClaim;
import dev.hyaline.analysis.investigation.MechanismKind;
import dev.hyaline.analysis.investigation.Treatment;
import dev.hyaline.analysis.investigation.Treatment.Replacement;
import dev.hyaline.analysis.probe.InterchangeSubspace;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.weights.CompositionMode;
import java.util.List;
import java.util.function.Function;

/** The mechanism that a claim states, of its components, names and numbers. */
public final class StatedMechanism {
    private final Claim claim;
    private final MechanismClaim stated;
    private final Gpt2Config config;
    private final PromptPairs pairs;

    private StatedMechanism(Claim claim, MechanismClaim stated, Gpt2Config config, PromptPairs pairs) {
        this.claim = claim;
        this.stated = stated;
        this.config = config;
        this.pairs = pairs;
    }

    /**
     * The mechanism that a claim of named components states.
     *
     * @param pairs whose roles stand in for those that the claim leaves out
     * @throws BadInputException if the claim states none, it is not one of such components, or the model lacks what it
     *     names
     */
    public static Mechanism of(Claim claim, Gpt2Config config, PromptPairs pairs) {
        MechanismClaim stated = claim.mechanism();
        if (stated == null) {
            throw new BadInputException("the claim " + Printable.quoted(claim.name()) + " states no mechanism");
        }
        return new StatedMechanism(claim, stated, config, pairs).mechanism();
    }

    private Mechanism mechanism() {
        MechanismKind kind = stated.kind();
        return switch (kind) {
            case COPIES ->
                new Copies(
                        heads(),
                        stated.from(),
                        stated.name("role"),
                        others(),
                        stated.number("attention_at_least"),
                        (int) stated.number("rank_at_most"),
                        stated.number("share_of_prompts_at_least"));
            case SUPPRESSES ->
                new Suppresses(
                        heads(),
                        stated.from(),
                        stated.name("role"),
                        stated.name("answer_role"),
                        stated.names("to"),
                        replacement(),
                        stated.number("attention_at_least"),
                        cost(),
                        stated.number("share_of_path_at_least"));
            case INDUCTION ->
                new Induction(
                        heads(),
                        stated.names("previous").stream()
                                .map(name -> head(ClaimComponent.parse(name)))
                                .toList(),
                        stated.names("role").isEmpty() ? null : stated.name("role"),
                        stated.number("attention_at_least"));
            case PREVIOUS_TOKEN -> attends(HeadType.PREVIOUS_TOKEN);
            case DUPLICATE_TOKEN -> attends(HeadType.DUPLICATE_TOKEN);
            case FIRST_TOKEN -> attends(HeadType.FIRST_TOKEN);
            case CURRENT_TOKEN -> attends(HeadType.CURRENT_TOKEN);
            case LOCAL -> attends(HeadType.LOCAL);
            case MEDIATES -> mediates();
            case COMPOSES -> composes(/* inhibits= */ false);
            case INHIBITS_COMPONENT -> composes(/* inhibits= */ true);
            case ENCODES -> encodes();
            case GENERAL -> Mechanism.general();
        };
    }

    private Encodes encodes() {
        if (!(only() instanceof SiteComponent site)) {
            throw new BadInputException("the mechanism " + stated.kind() + " is of a hook point, found " + only());
        }
        InterchangeSubspace subspace = stated.subspace().isEmpty() ? null : stated.span();
        int width = site.point().site().shape().width(config);
        if (subspace != null && subspace.columns() != width) {
            throw new BadInputException(
                    "a direction of " + site + " has " + width + " numbers, found " + subspace.columns());
        }
        return new Encodes(
                site.point(),
                stated.name("role"),
                subspace,
                stated.names("variable").isEmpty() ? null : variable(stated.name("variable")),
                stated.number("share_of_prompts_at_least"),
                cost(),
                stated.number("selectivity_at_least"));
    }

    /** What a probe is to tell of a clean prompt: its answer, its stratum, or the token at a role. */
    private static Function<PromptPair, String> variable(String name) {
        return switch (name) {
            case "answer" -> pair -> "token " + pair.answers()[0];
            case "stratum" -> pair -> String.valueOf(pair.stratum());
            default -> pair -> "token " + pair.clean()[pair.position(name)];
        };
    }

    private Attends attends(HeadType type) {
        return new Attends(heads(), type, stated.number("score_at_least"));
    }

    private Mediates mediates() {
        List<String> to = stated.names("to");
        return new Mediates(
                node(only()),
                node(ClaimComponent.parse(stated.name("via"))),
                to.isEmpty() ? Receiver.of(Node.logits()) : Receiver.parse(config, to.getFirst()),
                stated.number("share_of_path_at_least"));
    }

    private Composes composes(boolean inhibits) {
        List<String> by = stated.names("by");
        String mode = by.isEmpty() ? "q" : by.getFirst();
        return new Composes(
                head(only()),
                head(ClaimComponent.parse(stated.name("receiver"))),
                switch (mode) {
                    case "q" -> CompositionMode.Q;
                    case "k" -> CompositionMode.K;
                    case "v" -> CompositionMode.V;
                    default -> throw new BadInputException("heads compose by q, k or v, found " + mode);
                },
                stated.from(),
                stated.name("role"),
                inhibits,
                replacement(),
                stated.number("attention_change_at_least"));
    }

    private Node node(ClaimComponent component) {
        component.requireIn(config);
        return switch (component) {
            case HeadComponent head -> new Node.Head(head.layer(), head.head());
            case MlpComponent mlp -> new Node.Mlp(mlp.layer());
            default ->
                throw new BadInputException(
                        "the mechanism " + stated.kind() + " is of whole heads and MLPs, found " + component);
        };
    }

    private HeadComponent head(ClaimComponent component) {
        component.requireIn(config);
        if (component instanceof HeadComponent head) {
            return head;
        }
        throw new BadInputException("the mechanism " + stated.kind() + " is of whole heads, found " + component);
    }

    private List<HeadComponent> heads() {
        return claim.components().stream().map(this::head).toList();
    }

    private ClaimComponent only() {
        if (claim.components().size() != 1) {
            throw new BadInputException(
                    "the mechanism " + stated.kind() + " is of one component, found " + claim.components());
        }
        return claim.components().getFirst();
    }

    private Replacement replacement() {
        return switch (claim.treatment()) {
            case Treatment.AblateComponents ablate -> ablate.replacement();
            case Treatment.KeepOnly keep -> keep.replacement();
            default -> Replacement.MEAN_BY_POSITION;
        };
    }

    /** What the claim itself predicts that ablation costs, else a tenth of the gap. */
    private EffectAmount cost() {
        return claim.expectation() instanceof Expectation.Decrease(EffectAmount amount)
                        && claim.treatment() instanceof Treatment.AblateComponents
                ? amount
                : new EffectAmount(0.1, EffectUnit.GAP);
    }

    /** The roles that are named, else all others that heads see from where they look. */
    private List<String> others() {
        return stated.names("others").isEmpty()
                ? pairs.roles().stream()
                        .filter(role -> !role.equals(stated.name("role"))
                                && !role.equals(PromptPair.END)
                                && !role.equals(stated.from()))
                        .toList()
                : stated.names("others");
    }

    @Override
    public String toString() {
        return stated.toString();
    }
}
