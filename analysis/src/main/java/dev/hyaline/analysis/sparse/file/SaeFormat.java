package dev.hyaline.analysis.sparse.file;

/** The project whose files an autoencoder was read from. */
public enum SaeFormat {
    SAELENS("SAELens"),
    DICTIONARY_LEARNING("dictionary_learning"),
    SPARSIFY("sparsify"),
    OPENAI("OpenAI"),
    GEMMA_SCOPE("Gemma Scope");

    private final String project;

    SaeFormat(String project) {
        this.project = project;
    }

    /** The project's name. */
    @Override
    public String toString() {
        return project;
    }
}
