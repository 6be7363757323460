#!/usr/bin/env bash
# .NET 10.0.12's thread pool: when all workers are busy and an item waits, a worker is added after half a second to some seconds. Not
# while one of the workers starts tasks and waits for them, each of which it runs itself (inline): every one counts as an item taken from
# the queue, so the pool sees no starvation and the queued item waits for as long as that goes on. Hill climbing, which adds workers too,
# rests while more workers are at work than are wanted, as after a worker was lent to one that waited for a task. Both together were seen
# as a test that ran for an hour: its readers were queued (Task.Run), its writer, itself on a worker, saved by Task.Run and waited.
# Needs the .NET SDK and nothing from a registry.
set -euo pipefail
dir=$(mktemp -d); trap 'rm -rf "$dir"' EXIT
cd "$dir"
cat > probe.csproj <<'X'
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <TargetFramework>net10.0</TargetFramework><OutputType>Exe</OutputType>
    <Nullable>enable</Nullable><ImplicitUsings>enable</ImplicitUsings>
  </PropertyGroup>
</Project>
X
cat > Program.cs <<'X'
var kind = args[0];
ThreadPool.GetMinThreads(out var workers, out _);
using var end = new ManualResetEvent(false);
using var busy = new CountdownEvent(workers);
using var lent = new ManualResetEvent(false);
using var ran = new ManualResetEvent(false);
var begun = new TaskCompletionSource();

// All but one of the workers that the pool begins with wait in a way that the pool does not see.
for (var i = 1; i < workers; i++)
    Queue(() => { busy.Signal(); end.WaitOne(); });
// The last one waits for a task, which the pool sees: it lends a worker, and that one waits as well. Then the task is done.
Queue(() =>
{
    busy.Signal();
    begun.Task.Wait();
    while (!end.WaitOne(0))
    {
        if (kind == "spins") Thread.SpinWait(1_000);
        else Task.Run(static () => { }).GetAwaiter().GetResult();
    }
});
busy.Wait();
Queue(() => { lent.Set(); end.WaitOne(); });
if (!Happens(lent)) throw new InvalidOperationException("no worker was lent");
begun.SetResult();
Queue(() => ran.Set());
Console.WriteLine($"a worker {kind}: the next item {(Happens(ran) ? "runs" : "does not run within 30 s")}");
end.Set();
if (!Happens(ran)) throw new InvalidOperationException("the item is lost");

static bool Happens(WaitHandle what) => what.WaitOne(TimeSpan.FromSeconds(30));
static void Queue(Action work) => ThreadPool.UnsafeQueueUserWorkItem<object?>(_ => work(), null, preferLocal: false);
X
dotnet build -c Release --nologo -v q -o out > build.log || { cat build.log; exit 1; }
got=$(dotnet out/probe.dll spins; dotnet out/probe.dll "runs its own tasks")
echo "$got"
want='a worker spins: the next item runs
a worker runs its own tasks: the next item does not run within 30 s'
[ "$got" = "$want" ] || { echo "CHANGED: expected"; echo "$want"; exit 1; }
echo "as found"
