create database if not exists ml
