package dev.hyaline.analysis.investigation;

import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.HookPoints;
import dev.hyaline.instrument.edit.Target;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A part of the model that a claim is about, by the name that a file has for it: a head {@code 1.3}, an MLP {@code mlp
 * 2}, a neuron {@code 2.mlp[17]}, a latent {@code sae:NAME[7]} of an autoencoder that the file names, all values at a
 * hook point {@code blocks.1.hook_resid_post}, the members of the circuit {@code circuit} or those of a layer
 * {@code circuit[2.*]}; each perhaps at the position of a role alone, {@code 1.3@S2}.
 */
public sealed interface ClaimComponent {
    /** An attention head: its z. */
    record HeadComponent(int layer, int head) implements ClaimComponent {
        @Override
        public String toString() {
            return layer + "." + head;
        }
    }

    /** The output of a layer's MLP. */
    record MlpComponent(int layer) implements ClaimComponent {
        @Override
        public String toString() {
            return "mlp " + layer;
        }
    }

    /** A neuron of a layer's MLP. */
    record NeuronComponent(int layer, int neuron) implements ClaimComponent {
        @Override
        public String toString() {
            return layer + ".mlp[" + neuron + "]";
        }
    }

    /**
     * A latent of an autoencoder.
     *
     * @param autoencoder its name in the file
     */
    record LatentComponent(String autoencoder, int latent) implements ClaimComponent {
        private static final Pattern NAME = Pattern.compile("[\\w.-]+");

        /** @throws BadInputException if the name is not of letters, digits and {@code _.-} */
        public LatentComponent {
            if (!NAME.matcher(autoencoder).matches()) {
                throw new BadInputException("the name of an autoencoder has letters, digits, _, . and -, found "
                        + Printable.quoted(autoencoder));
            }
            if (latent < 0) {
                throw new BadInputException("a latent's index is at least 0, found " + latent);
            }
        }

        /**
         * Checks that an autoencoder has this latent.
         *
         * @throws BadInputException if it has no such latent
         */
        public void requireIn(SparseAutoencoder of) {
            int latents = of.config().latents();
            if (latent >= latents) {
                throw new BadInputException(
                        "there is no " + this + ": the autoencoder has latents 0 to " + (latents - 1));
            }
        }

        @Override
        public String toString() {
            return "sae:" + autoencoder + "[" + latent + "]";
        }
    }

    /** All values at a hook point. */
    record SiteComponent(HookPoint point) implements ClaimComponent {
        @Override
        public String toString() {
            return point.name();
        }
    }

    /**
     * Members of the circuit under study.
     *
     * @param layer of the members; -1 for all
     */
    record CircuitMembers(int layer) implements ClaimComponent {
        /** Returns whether it means a member of the circuit. */
        boolean means(ClaimComponent member) {
            return layer < 0
                    || (member instanceof HeadComponent head && head.layer == layer)
                    || (member instanceof MlpComponent mlp && mlp.layer == layer);
        }

        @Override
        public String toString() {
            return layer < 0 ? "circuit" : "circuit[" + layer + ".*]";
        }
    }

    /** A component at the position of a role alone. */
    record ComponentAt(ClaimComponent component, String role) implements ClaimComponent {
        public ComponentAt {
            if (component instanceof ComponentAt) {
                throw new BadInputException(component + " is at one position already");
            }
        }

        @Override
        public String toString() {
            return component + "@" + role;
        }
    }

    /**
     * Reads a name.
     *
     * @throws BadInputException if it is none
     */
    static ClaimComponent parse(String name) {
        int at = name.lastIndexOf('@');
        if (at >= 0) {
            String role = name.substring(at + 1);
            if (role.isEmpty()) {
                throw new BadInputException("'" + Printable.plain(name) + "' has no role behind the @");
            }
            return new ComponentAt(parse(name.substring(0, at)), role);
        }
        String number = "(0|[1-9]\\d{0,5})";
        Matcher head = Pattern.compile(number + "\\." + number).matcher(name);
        if (head.matches()) {
            return new HeadComponent(index(head, 1), index(head, 2));
        }
        Matcher mlp = Pattern.compile("mlp " + number).matcher(name);
        if (mlp.matches()) {
            return new MlpComponent(index(mlp, 1));
        }
        Matcher neuron = Pattern.compile(number + "\\.mlp\\[" + number + "\\]").matcher(name);
        if (neuron.matches()) {
            return new NeuronComponent(index(neuron, 1), index(neuron, 2));
        }
        Matcher circuit =
                Pattern.compile("circuit(?:\\[" + number + "\\.\\*\\])?").matcher(name);
        if (circuit.matches()) {
            return new CircuitMembers(circuit.group(1) == null ? -1 : index(circuit, 1));
        }
        Matcher latent =
                Pattern.compile("sae:([\\w.-]+)\\[(0|[1-9]\\d{0,7})\\]").matcher(name);
        if (latent.matches()) {
            return new LatentComponent(latent.group(1), index(latent, 2));
        }
        if (HookPoints.hasLayer(name)) {
            return new SiteComponent(HookPoints.point(name));
        }
        Matcher misplaced = Pattern.compile(number + "\\.mlp|mlp[. ]?" + number).matcher(name);
        if (misplaced.matches()) {
            String layer = misplaced.group(misplaced.group(1) == null ? 2 : 1);
            throw new BadInputException("'" + Printable.plain(name) + "' is no component; perhaps the MLP of layer "
                    + layer + " is meant, mlp " + layer + ", or one of its neurons, " + layer + ".mlp[0]");
        }
        throw new BadInputException("'" + Printable.plain(name) + "' is no component; components are heads (1.3), MLPs"
                + " (mlp 2), neurons (2.mlp[17]), hook points"
                + " (blocks.1.hook_resid_post), latents (sae:NAME[7]),"
                + " circuit and circuit[2.*], each perhaps at a role"
                + " (1.3@S2)");
    }

    private static int index(Matcher matcher, int group) {
        return Integer.parseInt(matcher.group(group));
    }

    /**
     * Checks that a model has the component. Members of a circuit are checked as they are found.
     *
     * @throws BadInputException if it does not
     */
    default void requireIn(Gpt2Config config) {
        boolean there = switch (this) {
            case HeadComponent head -> head.layer < config.nLayers() && head.head < config.nHeads();
            case MlpComponent mlp -> mlp.layer < config.nLayers();
            case NeuronComponent neuron ->
                neuron.layer < config.nLayers()
                        && neuron.neuron < Site.MLP_POST.shape().width(config);
            case SiteComponent site -> !site.point.site().perLayer() || site.point.layer() < config.nLayers();
            case CircuitMembers members -> members.layer < config.nLayers();
            // Its autoencoder says.
            case LatentComponent latent -> true;
            case ComponentAt at -> {
                at.component.requireIn(config);
                yield true;
            }
        };
        if (!there) {
            throw new BadInputException("there is no " + this + ": the model has " + config.nLayers() + " layers of "
                    + config.nHeads() + " heads and " + Site.MLP_POST.shape().width(config) + " neurons");
        }
    }

    /**
     * The values to edit in a pair's run.
     *
     * @throws BadInputException of a latent, which is no value of the model's own, of members of a circuit, which are
     *     named one by one before they are edited, or if the pair lacks the role
     */
    default Target target(PromptPair pair) {
        return switch (this) {
            case HeadComponent head -> Target.of(Site.Z, head.layer).heads(head.head);
            case MlpComponent mlp -> Target.of(Site.MLP_OUT, mlp.layer);
            case NeuronComponent neuron ->
                Target.of(Site.MLP_POST, neuron.layer).components(neuron.neuron);
            case SiteComponent site -> Target.of(site.point);
            case LatentComponent latent -> throw new BadInputException(latent + " is no value of the model's own");
            case CircuitMembers members ->
                throw new BadInputException(members + " stands for heads that a search has yet to find");
            case ComponentAt at -> at.component.target(pair).positions(pair.position(at.role));
        };
    }
}
