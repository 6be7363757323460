using QuorumMesh.Fuzz;

// Random programs in the interpreter and in the compiled tier; see FuzzSettings for the environment variables. With arguments:
// written cases again.
if (args is ["--help"] or ["-h"])
{
    Console.WriteLine("usage: fuzz [CASE.json ...]; without files FUZZ_PROGRAMS (1000000), FUZZ_SEED, FUZZ_FIRST, FUZZ_THREADS, FUZZ_OUT "
        + "say what is run");
    return 0;
}

try
{
    if (args.Length == 0)
    {
        FuzzSettings settings = FuzzSettings.FromEnvironment();
        Console.WriteLine($"seed {settings.Seed}, programs {settings.First} to {settings.First + settings.Programs - 1}, "
            + $"{settings.Threads} threads");
        return new FuzzCampaign(settings, Console.Out).Run() ? 0 : 1;
    }

    int failures = 0;
    foreach (string path in args)
    {
        string? difference = FuzzReplay.Run(CaseFile.Read(await File.ReadAllTextAsync(path).ConfigureAwait(false)));
        Console.WriteLine($"{path}: {difference ?? "the tiers agree"}");
        if (difference is not null) failures++;
    }

    return failures == 0 ? 0 : 1;
}
catch (Exception e) when (e is FormatException or IOException or System.Text.Json.JsonException)
{
    Console.Error.WriteLine(e.Message);
    return 2;
}
