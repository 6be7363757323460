namespace QuorumMesh.Enclave.Keys;

/// <summary>Argon2's variants (RFC 9106): data-dependent, data-independent, and both in turn.</summary>
public enum ArgonVariant
{
    D,
    I,
    Id,
}

/// <summary>How a password is stretched to the key that locks a key file.</summary>
/// <param name="Memory">KiB.</param>
public sealed record ArgonOptions(ArgonVariant Variant, int Memory, int Iterations, int Parallelism)
{
    /// <summary>What Tessera writes by default, but with the variant that its documentation names.</summary>
    public static ArgonOptions Default { get; } = new(ArgonVariant.Id, 1048576, 10, 4);

    /// <summary>As key files name it.</summary>
    public string VariantName => Variant switch { ArgonVariant.D => "d", ArgonVariant.I => "i", _ => "id" };

    /// <exception cref="KeyException">A value is out of bounds.</exception>
    public ArgonOptions Checked(string key)
    {
        if (Parallelism is < 1 or > 64)
            throw new KeyException($"{key}.parallelism", $"{Parallelism} is outside 1..64");
        if (Iterations is < 1 or > 1000)
            throw new KeyException($"{key}.iterations", $"{Iterations} is outside 1..1000");
        // At least 8 blocks a lane (RFC 9106, 3.1). The upper bound keeps a damaged file from taking all memory.
        if (Memory < 8 * Parallelism || Memory > 4 * 1024 * 1024)
            throw new KeyException($"{key}.memory", $"{Memory} KiB is outside {8 * Parallelism}..{4 * 1024 * 1024}");
        return this;
    }

    /// <summary>Reads a key file's "variant". Throws <see cref="KeyException"/> on another word.</summary>
    public static ArgonVariant ParseVariant(string key, string? name) => name?.ToLowerInvariant() switch
    {
        "id" => ArgonVariant.Id,
        "i" => ArgonVariant.I,
        "d" => ArgonVariant.D,
        _ => throw new KeyException(key, $"'{name}' is not one of id, i, d"),
    };
}
