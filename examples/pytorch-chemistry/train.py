"""Predict how strongly molecules inhibit a protein (pIC50) from their SMILES: one round at one site."""
import csv
import json
import sys
import zlib
from pathlib import Path

import torch

PLACES = 1024  # of the vector that describes a molecule

config, checkpoint, output = sys.argv[1:]
task = json.loads(Path(config).read_text())  # task.json, with this site's model_overwrites


def describe(smiles):
    """Count the fragments of one to four characters; each has a place by its hash."""
    row = torch.zeros(PLACES)
    for size in range(1, 5):
        for start in range(len(smiles) - size + 1):
            row[zlib.crc32(smiles[start : start + size].encode()) % PLACES] += 1
    return row.log1p()


def load_data():
    """Each site has every fourth molecule; the last fourth is for testing, and nobody trains on it."""
    folder = Path(task["data"])
    with open(folder / "CHEMBL2321810_act.csv") as file:
        activity = {row["Name"]: float(row["Act"]) for row in csv.DictReader(file)}
    lines = [line.split() for line in (folder / "CHEMBL2321810.smi").read_text().splitlines()]
    known = [(smiles, activity[name]) for smiles, name in lines if name in activity]
    parts = {}
    for part in (task["part"], 3):
        own = known[part::4]
        inputs = torch.stack([describe(smiles) for smiles, _ in own])
        parts[part] = inputs, torch.tensor([[value] for _, value in own])
    return parts[task["part"]], parts[3]


def rmse(inputs, targets):
    with torch.no_grad():
        return torch.nn.functional.mse_loss(model(inputs) + 6, targets).sqrt().item()


train, test = load_data()
torch.manual_seed(task["seed"])
model = torch.nn.Sequential(torch.nn.Linear(PLACES, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1))
metrics = {}
if checkpoint:
    model.load_state_dict(torch.load(checkpoint, weights_only=True)["model"])
    metrics["rmse_of_average"] = rmse(*test)
optimizer = torch.optim.Adam(model.parameters(), lr=task["learning_rate"], weight_decay=1e-4)
for _ in range(task["epochs"]):
    for batch in torch.randperm(len(train[0])).split(32):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(model(train[0][batch]) + 6, train[1][batch])
        loss.backward()
        optimizer.step()
metrics["rmse"] = rmse(*test)
Path(output, "result.json").write_text(json.dumps({"samples": len(train[0]), "metrics": metrics}))
torch.save({"model": model.state_dict()}, Path(output, "model.pt"))
