package dev.hyaline.weights;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import dev.hyaline.weights.hub.Hub;
import dev.hyaline.weights.hub.HubException;
import dev.hyaline.weights.hub.HubException.Reason;
import dev.hyaline.weights.hub.HubListener;
import dev.hyaline.weights.hub.HubName;
import dev.hyaline.weights.hub.Snapshot;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/**
 * Where the model is that a name means. A built-in name takes precedence over a file or folder, and these over a
 * repository of the Hugging Face hub.
 */
public sealed interface ModelSource {
    /** A model that comes with this library. */
    record BuiltIn(String name) implements ModelSource {}

    /** A file or folder. */
    record OnDisk(Path path) implements ModelSource {}

    /**
     * A repository of the hub.
     *
     * @param given the whole name as it was given
     */
    record OnHub(String given, HubName name) implements ModelSource {
        private static final Set<Reason> PERHAPS_A_PATH =
                EnumSet.of(Reason.NOT_FOUND, Reason.NOT_ALLOWED, Reason.UNREACHABLE, Reason.OFFLINE);

        /**
         * The snapshot of the repository, downloaded if it is not in the cache.
         *
         * @param refresh whether to ask the hub which commit a branch or tag means now
         * @throws HubException if it cannot be obtained
         * @throws BadCheckpointException if the name is none that is known, or the repository is no GPT-2
         */
        public Snapshot snapshot(Hub hub, boolean refresh, HubListener listener) {
            if (!name.hasOwner() && hub.cached(name).isEmpty()) {
                throw BadCheckpointException.file(
                        given,
                        "a built-in model (" + String.join(", ", Checkpoint.builtInNames()) + "), a folder or file, "
                                + String.join(", ", HubName.shortNames()) + " or OWNER/NAME",
                        "nothing there");
            }
            try {
                return refresh ? hub.refresh(name, listener) : hub.get(name, listener);
            } catch (HubException e) {
                boolean asGiven = given.startsWith(name.repository());
                if (!asGiven || !PERHAPS_A_PATH.contains(e.reason())) {
                    throw e;
                }
                HubException both = new HubException(
                        e.reason(), e.getMessage() + " (and there is no file or folder " + given + ")");
                Throwable cause = e.getCause();
                if (cause != null) {
                    both.initCause(cause);
                }
                throw both;
            }
        }
    }

    /**
     * The source that a name means: {@code fable}, {@code folder/model}, {@code gpt2}, {@code OWNER/NAME@REVISION}.
     *
     * @throws BadInputException if no model can have that name
     */
    static ModelSource of(String name) {
        if (Checkpoint.builtInNames().contains(name)) {
            return new BuiltIn(name);
        }
        Path path = path(name);
        if (Files.exists(path)) {
            return new OnDisk(path);
        }
        Optional<HubName> repository = HubName.parse(name);
        return repository.isPresent() ? new OnHub(name, repository.get()) : new OnDisk(path);
    }

    private static Path path(String name) {
        if (name.isEmpty()) {
            throw new BadInputException("a model needs a name, but none was given");
        }
        try {
            return Path.of(name);
        } catch (InvalidPathException e) {
            throw new BadInputException(
                    "'" + Printable.plain(name) + "' cannot be a model's name here (" + e.getReason() + ")");
        }
    }
}
