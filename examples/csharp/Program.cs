using Examples;

// The programs look for Storage.json where they run.
Environment.CurrentDirectory = AppContext.BaseDirectory;
switch (args)
{
    case ["public"]: await Public.RunAsync(); return 0;
    case ["private-node"]: await PrivateNode.RunAsync(); return 0;
    case ["private-key"]: await PrivateKey.RunAsync(); return 0;
    default:
        Console.Error.WriteLine("Which one? public, private-node or private-key");
        return 2;
}
